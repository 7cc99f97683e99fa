/**
 * Random clients and a server on a network that loses, doubles, delays and reorders, on a virtual clock. The server is
 * killed and restarted from its journal; addresses are reserved for one client and another, and used by strangers; clients
 * stop, crash, are cut off, come back, see conflicts, and some leave for good.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { formatIpv4, type Ipv4 } from "../../mod/addr/ipv4.ts";
import { clientMac, formatMac } from "../../mod/addr/mac.ts";
import type { AddressRange } from "../../mod/dhcp/address_range.ts";
import type { LeaseEntry, LeaseState } from "../../mod/dhcp/binding.ts";
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
import { noReservations, Reservations } from "../../mod/dhcp/reservations.ts";
import { DhcpServer, type DhcpServerConfig } from "../../mod/dhcp/server.ts";
import { decodeDhcp, encodeDhcp } from "../../mod/wire/dhcpv4.ts";
import { Agenda } from "./agenda.ts";
import { seeded } from "./dhcp_dialogue.ts";

export type World = {
  readonly seed: number;
  readonly clients: number;
  /** So many of them are never seen again when the trouble ends. */
  readonly guests: number;
  readonly server: DhcpServerConfig & { readonly range: AddressRange; readonly leaseSeconds: number };
  /** If not, the server is silent where ours refuses, as one that is not alone must be (RFC 2131 section 4.3.2). */
  readonly isAuthoritative: boolean;
  /** How long the network is bad and everyone misbehaves, and how long all is well then, in milliseconds. */
  readonly trouble: number;
  readonly calm: number;
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
  /** Nothing goes out or comes in. */
  cutOffUntil: number;
  isGone: boolean;
};

/** What happened, so that a test can see that the world was not idle. */
export type Tally = Record<
  "bound" | "renewed" | "lost" | "expired" | "kills" | "released" | "declined" | "moved" | "strangers",
  number
>;

export function emptyTally(): Tally {
  return { bound: 0, renewed: 0, lost: 0, expired: 0, kills: 0, released: 0, declined: 0, moved: 0, strangers: 0 };
}

/** Runs a world to its end. Throws when an invariant does not hold; the message holds the seed. */
export function run(world: World): Tally {
  return new Simulation(world).run();
}

class Simulation {
  readonly #random: () => number;
  readonly #hosts: Host[];
  readonly #holders = new Map<Ipv4, Host>();
  readonly #agenda = new Agenda();
  readonly #tally = emptyTally();
  /** The file, as it was written piece by piece. */
  #journal: Uint8Array[] = [];
  /** The last record of each address in it. */
  #written = new Map<Ipv4, LeaseRecord>();
  #server: DhcpServer;
  #reservations = noReservations;

  constructor(readonly world: World) {
    this.#random = seeded(world.seed);
    this.#server = new DhcpServer(world.server, [], 0);
    this.#hosts = Array.from({ length: world.clients }, (_, index) => ({
      config: { mac: clientMac(0x0a000000 + index), network: world.server.network, server: world.server.address },
      step: undefined,
      lease: undefined,
      lastAddress: undefined,
      cutOffUntil: 0,
      isGone: false,
    }));
  }

  run(): Tally {
    const { trouble, calm, seed } = this.world;
    for (const host of this.#hosts) {
      this.#later(this.#random() * 5_000, () => this.#start(host));
      this.#later(this.#random() * trouble, () => this.#misbehave(host));
    }
    // While there is trouble only: what it leaves behind must come to its end without a restart.
    this.#often(trouble / 4, () => this.#kill());
    this.#often(trouble / 20, () => this.#reserve());
    this.#often(trouble / 4, () => this.#seeStranger());
    this.#later(trouble, () => this.#calmDown());
    this.#agenda.runUntil(trouble + calm, () => false);
    this.#compareFile();
    for (const host of this.#hosts.filter(({ isGone }) => !isGone)) {
      assert(host.lease !== undefined, `seed ${seed}: a client is not bound at the end: ${host.step?.state.kind}`);
    }
    return this.#tally;
  }

  get #now(): number {
    return this.#agenda.now;
  }

  get #isTrouble(): boolean {
    return this.#now < this.world.trouble;
  }

  #later(delay: number, act: () => void): void {
    this.#agenda.add(this.#now + Math.ceil(delay), act);
  }

  #often(longest: number, act: () => void): void {
    this.#later(this.#random() * longest, () => {
      if (!this.#isTrouble) return;
      act();
      this.#often(longest, act);
    });
  }

  /** A packet on its way from a host or to it. */
  #carry(host: Host, bytes: Uint8Array, deliver: (bytes: Uint8Array) => void): void {
    const copies = this.#now < host.cutOffUntil
      ? 0
      : !this.#isTrouble
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
    if (host.isGone) return;
    const choice = this.#random();
    const { first, last } = this.world.server.range;
    const elsewhere = first + Math.floor(1.2 * this.#random() * (last - first + 1));
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
          this.#carry(host, encodeDhcp(effect.message), (bytes) => this.#serve(host, bytes));
          break;
        case "bound":
          this.#tally[effect.renewed ? "renewed" : "bound"]++;
          this.#hold(host, effect.lease);
          break;
        case "lost":
          this.#tally[effect.reason === "expired" ? "expired" : "lost"]++;
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
    if (records.length > 1) this.#tally.moved++;
    const lines = encodeRecords(records);
    // The process is killed while it writes: the line is cut short, and no answer leaves.
    if (this.#isTrouble && this.#random() < 0.005) {
      this.#journal.push(lines.slice(0, Math.floor(this.#random() * (lines.length + 1))));
      this.#restart();
      return;
    }
    this.#write(lines);
    if (reply === undefined || (event.kind === "refused" && !this.world.isAuthoritative)) return;
    this.#carry(host, encodeDhcp(reply.message, reply.limits), (answer) => {
      this.#event(host, { kind: "message", message: decodeDhcp(answer) });
    });
  }

  #write(lines: Uint8Array): void {
    this.#journal.push(lines);
    for (const record of decodeJournal(lines).records) this.#written.set(record.address, record);
  }

  /** Invariant: what was nobody else's to have is so after a restart. */
  #kill(): void {
    this.#compareFile();
    const before = this.#inForce(this.#server.leases(this.#now), ["bound", "declined"]);
    this.#restart();
    this.#compareFile();
    const after = new Set(this.#inForce(this.#server.leases(this.#now), ["bound", "declined"]));
    assert.deepEqual(before.filter((line) => !after.has(line)), []);
  }

  #restart(): void {
    this.#tally.kills++;
    const file = Buffer.concat(this.#journal);
    const { records, damagedLines, intactLength } = decodeJournal(file);
    assert.deepEqual(damagedLines, []);
    this.#journal = [file.subarray(0, intactLength)];
    this.#written = new Map(records.map((record) => [record.address, record]));
    this.#server = new DhcpServer({ ...this.world.server, reservations: this.#reservations }, records, this.#now);
    // Compaction: what the pool gives back is as good as what it was made from.
    if (this.#random() < 0.5) {
      const snapshot = [...this.#server.records()];
      this.#journal = [encodeRecords(snapshot)];
      this.#written = new Map(snapshot.map((record) => [record.address, record]));
    }
  }

  /** Invariant: whose lease is in force on an address, the server and the file say alike. */
  #compareFile(): void {
    const known = this.#inForce(this.#server.leases(this.#now), ["bound"]);
    assert.deepEqual(this.#inForce(this.#written.values(), ["bound"]), known);
  }

  #inForce(entries: Iterable<LeaseEntry>, states: readonly LeaseState[]): readonly string[] {
    const shown = [...entries].filter(({ state, until }) => states.includes(state) && until > this.#now)
      .map(({ address, state, chaddr, until }) => `${formatIpv4(address)} ${state} ${formatMac(chaddr)} ${until}`);
    // So that a failure says when it was.
    return [`seed ${this.world.seed}, ${this.#now} ms`, ...shown.sort()];
  }

  /** One client's address is another from now on, which somebody may have. */
  #reserve(): void {
    const { mac } = this.#hosts[Math.floor(this.#random() * this.#hosts.length)]!.config;
    this.#reservations = new Reservations([{ address: this.#anyAddress(), key: { kind: "mac", mac } }]);
    this.#server.reserve(this.#reservations);
  }

  /** Somebody who never asked uses an address, if the ARP table is right. */
  #seeStranger(): void {
    const record = this.#server.observe(this.#anyAddress(), clientMac(0x0a00ff00), this.#now);
    if (record === undefined) return;
    this.#tally.strangers++;
    this.#write(encodeRecords([record]));
  }

  #anyAddress(): Ipv4 {
    const { first, last } = this.world.server.range;
    return first + Math.floor(this.#random() * (last - first + 1));
  }

  #calmDown(): void {
    this.#reservations = noReservations;
    this.#server.reserve(noReservations);
    for (const [index, host] of this.#hosts.entries()) {
      host.cutOffUntil = this.#now;
      host.isGone = index < this.world.guests;
      if (host.isGone) this.#stop(host);
    }
  }

  #stop(host: Host): void {
    this.#drop(host);
    host.step = undefined;
  }

  /** A conflict, a network that is gone for a while, a planned stop or a crash after which the host comes back. */
  #misbehave(host: Host): void {
    if (!this.#isTrouble) return;
    const choice = this.#random();
    // Its lease may have ended, or not.
    const absence = 2 * longestDelay + this.#random() * Math.min(2_000 * this.world.server.leaseSeconds, 120_000);
    if (choice < 0.2) {
      this.#event(host, { kind: "conflict" });
    } else if (choice < 0.5) {
      host.cutOffUntil = this.#now + absence;
    } else {
      if (choice < 0.75) this.#event(host, { kind: "release" });
      this.#stop(host);
      this.#later(absence, () => this.#start(host));
    }
    this.#later(absence + this.#random() * 120_000, () => this.#misbehave(host));
  }
}
