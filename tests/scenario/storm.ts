/**
 * Many clients lose their only gateway at one moment, and it comes back: how often they ask meanwhile, on a virtual clock.
 * The Service refuses at once while it has no gateway, which makes clients ask the most.
 */

import assert from "node:assert/strict";
import { gatewayMac } from "../../mod/addr/mac.ts";
import { parsePrefix } from "../../mod/addr/prefix.ts";
import { DhcpServer } from "../../mod/dhcp/server.ts";
import type { Uplink } from "../../mod/netstate/uplink.ts";
import { type ClientConfig, startClient } from "../../mod/role/client.ts";
import type { ClientEffect, ClientEvent } from "../../mod/role/client_event.ts";
import type { GatewayInfo } from "../../mod/role/gateway_info.ts";
import { config as netConfig, gatewayPod, ip, overlayGateway, uplink } from "../unit/netstate/fixtures.ts";
import { ClientShell } from "./client_shell.ts";
import { condition } from "./client_dialogue.ts";
import { seeded } from "./dhcp_dialogue.ts";
import { Agenda } from "./agenda.ts";

export type Storm = {
  readonly clients: number;
  /** Between a client's checks of its gateway. */
  readonly intervalMs: number;
  /** How long there is no gateway. */
  readonly downMs: number;
  readonly seed: number;
};

/** What all clients asked in one second: of the nameservers, of the Service, and by DHCP. */
export type Second = { names: number; questions: number; dhcp: number; open: number };

const network = parsePrefix("172.28.0.0/16");
assert(network.family === 4);
const overlay = network;
const gateway = ip("172.28.0.1");
const goneAt = 20_000;
/** When the gateway is back, all clients are open after so long. */
const patience = 30_000;

/** The seconds from the loss on, until the last client is open again. Throws when one is not in time. */
export function runStorm(storm: Storm): Second[] {
  return new Simulation(storm).run();
}

class Simulation {
  readonly #agenda = new Agenda();
  readonly #random: () => number;
  readonly #seconds: Second[] = [];
  readonly #shells: ClientShell[] = [];
  #server = this.#newServer();
  #instance = 1;

  constructor(readonly storm: Storm) {
    this.#random = seeded(storm.seed);
  }

  run(): Second[] {
    const { clients, downMs } = this.storm;
    for (let index = 0; index < clients; index++) {
      this.#agenda.add(this.#random() * 10_000, () => this.#startClient(index));
    }
    const backAt = goneAt + downMs;
    this.#agenda.add(goneAt, () => assert.equal(this.#open, clients, "all are open before the loss"));
    this.#agenda.add(backAt, () => {
      this.#server = this.#newServer();
      this.#instance++;
    });
    for (let at = goneAt; at < backAt + patience; at += 1_000) {
      this.#agenda.add(at + 999, () => this.#second.open = this.#open);
    }
    this.#agenda.runUntil(backAt + patience, () => this.#agenda.now > backAt && this.#open === clients);
    assert.equal(this.#open, clients, `open ${patience} ms after the gateway is back`);
    this.#second.open = this.#open;
    return this.#seconds;
  }

  get #isThere(): boolean {
    return this.#agenda.now < goneAt || this.#agenda.now >= goneAt + this.storm.downMs;
  }

  get #open(): number {
    return this.#shells.filter((shell) => shell?.state.kind === "open").length;
  }

  get #second(): Second {
    const index = Math.max(0, Math.floor((this.#agenda.now - goneAt) / 1_000));
    return this.#seconds[index] ??= { names: 0, questions: 0, dhcp: 0, open: 0 };
  }

  #count(what: "names" | "questions" | "dhcp", more: number): void {
    if (this.#agenda.now >= goneAt) this.#second[what] += more;
  }

  #startClient(index: number): void {
    const config: ClientConfig = {
      net: netConfig,
      mode: "run",
      service: "gateway",
      fallback: { id: 3150, port: 4789, network: overlay },
      httpPort: 3150,
      watch: { intervalMs: this.storm.intervalMs, misses: 3 },
    };
    const own: Uplink = { ...uplink, address: ip("10.42.0.0") + index + 10 };
    const shell: ClientShell = new ClientShell(config, startClient(config, this.#agenda.now), {
      random: this.#random,
      perform: (effect) => this.#perform(effect, own, (ms, event) => this.#later(shell, ms, event)),
      apply: (_wanted, done) => this.#at(shell, 20 + 20 * this.#random(), () => done()),
    }, this.#agenda.now);
    this.#shells[index] = shell;
    this.#at(shell, 0, () => shell.start());
  }

  /** Does something in the client's life, and sees to it that it is woken when it wants to be. */
  #at(shell: ClientShell, ms: number, act: () => void): void {
    this.#agenda.add(this.#agenda.now + ms, () => {
      shell.now = this.#agenda.now;
      act();
      const { wakeAt } = shell;
      if (!Number.isFinite(wakeAt)) return;
      const wait = Math.max(0, wakeAt - this.#agenda.now);
      this.#at(shell, wait, () => shell.wakeAt === wakeAt && shell.post({ kind: "tick" }));
    });
  }

  #later(shell: ClientShell, ms: number, event: () => ClientEvent | undefined): void {
    this.#at(shell, ms, () => {
      const happened = event();
      if (happened !== undefined) shell.post(happened);
    });
  }

  #perform(effect: ClientEffect, own: Uplink, later: (ms: number, event: () => ClientEvent | undefined) => void): void {
    switch (effect.kind) {
      case "observeUplink":
        return later(10, () => ({ kind: "uplink", uplink: own }));
      case "resolve":
        this.#count("names", 1);
        return later(2, () => ({ kind: "resolved", candidates: [{ address: ip("10.43.0.1"), port: 80 }] }));
      case "ask":
        // While there is none, each question is refused at once; one that is answered is the last.
        this.#count("questions", this.#isThere ? 1 : effect.tries);
        return later(
          2,
          () =>
            this.#isThere
              ? { kind: "answered", answer: { podAddress: gatewayPod, info: this.#info() } }
              : { kind: "unanswered", reason: "connection refused" },
        );
      case "sendDhcp": {
        this.#count("dhcp", 1);
        const { reply } = this.#isThere ? this.#server.handle(effect.message, this.#agenda.now) : {};
        return reply === undefined
          ? undefined
          : later(2, () => ({ kind: "dhcp", message: reply.message, from: gateway }));
      }
      case "sendProbe":
        if (!this.#isThere) return;
        return later(1, () => ({ kind: "probeAnswer", nonce: effect.nonce, condition: this.#info().condition }));
      default:
        return;
    }
  }

  #newServer(): DhcpServer {
    return new DhcpServer(
      { address: gateway, network: overlay, leaseSeconds: 43_200, rapidCommit: true },
      [],
      this.#agenda.now,
    );
  }

  #info(): GatewayInfo {
    return {
      podAddress: gatewayPod,
      vxlan: { id: 3150, port: 4789, network: overlay, gateway, mac: gatewayMac(overlayGateway), mtu: 1400 },
      condition: { ...condition, instance: String(this.#instance).padStart(32, "0") },
    };
  }
}
