/**
 * Random clients and a server on a network that loses, doubles, delays and reorders, on a virtual clock. The server is
 * killed and restarted from its journal, clients stop, crash, come back, and see conflicts.
 */

import assert from "node:assert/strict";
import { formatIpv4, type Ipv4 } from "../../mod/addr/ipv4.ts";
import { clientMac } from "../../mod/addr/mac.ts";
import {
  type ClientEvent,
  type DhcpClientConfig,
  type Lease,
  startDhcpClient,
  type Step,
  step,
} from "../../mod/dhcp/client.ts";
import type { LeaseRecord } from "../../mod/dhcp/lease_record.ts";
import { decodeJournal, encodeRecords } from "../../mod/dhcp/lease_store.ts";
import { DhcpServer, type DhcpServerConfig } from "../../mod/dhcp/server.ts";
import { decodeDhcp, encodeDhcp } from "../../mod/wire/dhcpv4.ts";
import { seeded } from "./dhcp_dialogue.ts";

export type World = {
  readonly seed: number;
  readonly clients: number;
  readonly server: DhcpServerConfig;
  /** How long the network is bad and everyone misbehaves, in milliseconds; then all is well for as long again. */
  readonly trouble: number;
  /** Chance that a packet is lost, and that it comes twice. */
  readonly loss: number;
  readonly duplication: number;
};

/** Longest delay of a packet. What a client sent before it stopped arrives before it starts again, as with real ones. */
const longestDelay = 80;

type Host = {
  readonly config: DhcpClientConfig;
  step: Step | undefined;
  lease: Lease | undefined;
  lastAddress: Ipv4 | undefined;
};

/** What happened, so that a test can see that the world was not idle. */
export type Tally = { bound: number; renewed: number; lost: number; kills: number; released: number; declined: number };

/** Runs a world to its end. Throws when an invariant does not hold; the message holds the seed. */
export function run(world: World): Tally {
  return new Simulation(world).run();
}

class Simulation {
  readonly #random: () => number;
  readonly #hosts: Host[];
  readonly #holders = new Map<Ipv4, Host>();
  readonly #queue: { readonly at: number; readonly order: number; readonly act: () => void }[] = [];
  readonly #tally: Tally = { bound: 0, renewed: 0, lost: 0, kills: 0, released: 0, declined: 0 };
  #journal = new Uint8Array(0);
  #written = new Map<Ipv4, LeaseRecord>();
  #server: DhcpServer;
  #now = 0;
  #order = 0;

  constructor(readonly world: World) {
    this.#random = seeded(world.seed);
    this.#server = new DhcpServer(world.server, [], 0);
    this.#hosts = Array.from({ length: world.clients }, (_, index) => ({
      config: { mac: clientMac(0x0a000000 + index), network: world.server.network, server: world.server.address },
      step: undefined,
      lease: undefined,
      lastAddress: undefined,
    }));
  }

  run(): Tally {
    const { trouble, seed } = this.world;
    for (const host of this.#hosts) {
      this.#later(this.#random() * 5_000, () => this.#start(host));
      this.#later(this.#random() * trouble, () => this.#misbehave(host));
    }
    this.#later(this.#random() * trouble, () => this.#kill());
    while (this.#queue.length > 0) {
      const next = this.#earliest();
      if (next.at > 2 * trouble) break;
      this.#now = next.at;
      next.act();
    }
    for (const host of this.#hosts) {
      assert(host.lease !== undefined, `seed ${seed}: a client is not bound at the end: ${host.step?.state.kind}`);
    }
    return this.#tally;
  }

  get #isTrouble(): boolean {
    return this.#now < this.world.trouble;
  }

  #later(delay: number, act: () => void): void {
    this.#queue.push({ at: this.#now + delay, order: this.#order++, act });
  }

  #earliest(): { readonly at: number; readonly act: () => void } {
    let best = 0;
    for (let index = 1; index < this.#queue.length; index++) {
      const [a, b] = [this.#queue[index]!, this.#queue[best]!];
      if (a.at < b.at || (a.at === b.at && a.order < b.order)) best = index;
    }
    return this.#queue.splice(best, 1)[0]!;
  }

  /** A packet on its way. */
  #carry(bytes: Uint8Array, deliver: (bytes: Uint8Array) => void): void {
    const copies = !this.#isTrouble
      ? 1
      : this.#random() < this.world.loss
      ? 0
      : this.#random() < this.world.duplication
      ? 2
      : 1;
    for (let copy = 0; copy < copies; copy++) {
      this.#later(this.#isTrouble ? this.#random() * longestDelay : 1, () => deliver(bytes));
    }
  }

  /** With the address that it had, or one that another gateway gave it and that may be anybody's here, or none. */
  #start(host: Host): void {
    const choice = this.#random();
    const elsewhere = this.world.server.address + 19 + Math.floor(this.#random() * 25);
    const address = choice < 0.6 ? host.lastAddress : choice < 0.8 ? elsewhere : undefined;
    const previous = address === undefined ? undefined : { address };
    this.#apply(host, startDhcpClient(host.config, previous, this.#now, this.#random));
  }

  #event(host: Host, event: ClientEvent): void {
    if (host.step !== undefined) this.#apply(host, step(host.step.state, event, this.#now, this.#random));
  }

  #apply(host: Host, next: Step): void {
    host.step = next;
    for (const effect of next.effects) {
      switch (effect.kind) {
        case "send":
          this.#carry(encodeDhcp(effect.message), (bytes) => this.#serve(host, bytes));
          break;
        case "bound":
          this.#tally[effect.renewed ? "renewed" : "bound"]++;
          this.#hold(host, effect.lease);
          break;
        case "lost":
          this.#tally.lost++;
          this.#drop(host);
          break;
        case "ignored":
          // The only reason there is here: the answer crossed a DHCPDECLINE.
          assert.equal(effect.reason, "another host uses the address", `seed ${this.world.seed}`);
      }
    }
    const { wakeAt } = next;
    if (Number.isFinite(wakeAt)) {
      this.#later(Math.max(0, wakeAt - this.#now), () => host.step === next && this.#event(host, { kind: "tick" }));
    }
  }

  /** Invariants: nobody else has the address; the journal says that it is this client's for at least as long. */
  #hold(host: Host, lease: Lease): void {
    const { seed } = this.world;
    const address = formatIpv4(lease.address);
    this.#drop(host);
    const other = this.#holders.get(lease.address);
    assert(other === undefined, `seed ${seed}: at ${this.#now} ms ${address} has a second holder`);
    const record = this.#written.get(lease.address);
    assert(
      record?.state === "bound" && record.chaddr.every((byte, index) => byte === host.config.mac[index]),
      `seed ${seed}: at ${this.#now} ms the lease on ${address} is not in the journal`,
    );
    assert(record.until >= lease.expiresAt, `seed ${seed}: the server thinks that the lease on ${address} is shorter`);
    this.#holders.set(lease.address, host);
    host.lease = lease;
    host.lastAddress = lease.address;
  }

  #drop(host: Host): void {
    if (host.lease !== undefined) this.#holders.delete(host.lease.address);
    host.lease = undefined;
  }

  #serve(host: Host, bytes: Uint8Array): void {
    const { reply, records, event } = this.#server.handle(decodeDhcp(bytes), this.#now);
    if (event.kind === "released") this.#tally.released++;
    if (event.kind === "declined") this.#tally.declined++;
    const lines = encodeRecords(records);
    const journal = new Uint8Array(this.#journal.length + lines.length);
    journal.set(this.#journal);
    journal.set(lines, this.#journal.length);
    // The process is killed while it writes: the line is cut short, and no answer leaves.
    if (this.#isTrouble && this.#random() < 0.005) {
      this.#journal = journal.slice(0, this.#journal.length + Math.floor(this.#random() * (lines.length + 1)));
      this.#restart();
      return;
    }
    this.#journal = journal;
    for (const record of records) this.#written.set(record.address, record);
    if (reply === undefined) return;
    this.#carry(encodeDhcp(reply.message, reply.limits), (answer) => {
      this.#event(host, { kind: "message", message: decodeDhcp(answer) });
    });
  }

  #kill(): void {
    this.#restart();
    if (this.#isTrouble) this.#later(this.#random() * this.world.trouble / 4, () => this.#kill());
  }

  #restart(): void {
    this.#tally.kills++;
    const { records, damagedLines, intactLength } = decodeJournal(this.#journal);
    assert.deepEqual(damagedLines, []);
    this.#journal = this.#journal.slice(0, intactLength);
    this.#written = new Map(records.map((record) => [record.address, record]));
    this.#server = new DhcpServer(this.world.server, records, this.#now);
    // Compaction: what the pool gives back is as good as what it was made from.
    if (this.#random() < 0.5) {
      const snapshot = [...this.#server.records()];
      this.#journal = encodeRecords(snapshot);
      this.#written = new Map(snapshot.map((record) => [record.address, record]));
    }
  }

  /** A planned stop, a crash, or an address conflict; and the host comes back. */
  #misbehave(host: Host): void {
    const choice = this.#random();
    if (choice < 0.2 && this.#tally.declined < 5) {
      this.#event(host, { kind: "conflict" });
    } else {
      if (choice < 0.6) this.#event(host, { kind: "release" });
      this.#drop(host);
      host.step = undefined;
      this.#later(2 * longestDelay + this.#random() * 20_000, () => this.#start(host));
    }
    if (this.#isTrouble) this.#later(25_000 + this.#random() * this.world.trouble / 2, () => this.#misbehave(host));
  }
}
