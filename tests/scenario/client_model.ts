/**
 * A client, two gateways and a kernel in a world that loses, delays and fails, on a virtual clock: the client is stopped
 * and killed, gateways die, drain and lose their way out, hands meddle with the kernel. Then all is well again.
 */

import assert from "node:assert/strict";
import { broadcast, formatIpv4, type Ipv4 } from "../../mod/addr/ipv4.ts";
import { notice } from "../../mod/health/probe.ts";
import { findChangedUplink } from "../../mod/linux/uplink.ts";
import { findTunnel } from "../../mod/netstate/found_tunnel.ts";
import type { Uplink } from "../../mod/netstate/uplink.ts";
import { type ClientConfig, type ClientState, startClient } from "../../mod/role/client.ts";
import type { ClientEffect, ClientEvent } from "../../mod/role/client_event.ts";
import { clientTraffic } from "../unit/netstate/client_traffic.ts";
import { config as netConfig, ip, overlay, overlayGateway } from "../unit/netstate/fixtures.ts";
import { send, showFate, showSent } from "../unit/netstate/packet_walk.ts";
import type { NetState } from "../../mod/netstate/state.ts";
import { Agenda } from "./agenda.ts";
import { ClientShell, type Wanted } from "./client_shell.ts";
import { seeded } from "./dhcp_dialogue.ts";
import { FakeKernel } from "./fake_kernel.ts";
import { meddlings } from "./meddling.ts";
import { ModelGateway } from "./model_gateway.ts";

export type World = {
  readonly seed: number;
  /** How long everything goes wrong, in milliseconds. */
  readonly trouble: number;
  readonly mode: "start" | "run";
  /** Makes what the kernel is to hold wrong, so that a test can see that this would be found. */
  readonly spoil?: (state: NetState) => NetState;
};

/** What happened, so that a test can see that the world was not idle. */
export type Tally = Record<string, number>;

/** When all is well again, the client is open after so long at the latest. */
const patience = 45_000;

/** One packet of each kind that an application must not get out by the Pod's interface. */
const secrets = [
  { family: 4, protocol: "tcp", destination: "203.0.113.9", destinationPort: 443 },
  { family: 4, protocol: "udp", destination: "203.0.113.9", destinationPort: 53, connection: "ESTABLISHED" },
  { family: 4, protocol: "udp", destination: "203.0.113.53", destinationPort: 53 },
  { family: 4, protocol: "udp", destination: "255.255.255.255", destinationPort: 9999 },
  { family: 4, protocol: "icmp", destination: "169.254.169.254", icmpType: 8 },
  ...clientTraffic.get("out: everything else by IPv6, to the Internet")!.packets.slice(0, 1),
] as const;

/** Runs a world to its end. Throws when an invariant does not hold; the message holds the seed. */
export function run(world: World): Tally {
  return new Simulation(world).run();
}

class Simulation {
  readonly #random: () => number;
  readonly #kernel = new FakeKernel();
  readonly #gateways: readonly ModelGateway[];
  readonly #agenda = new Agenda();
  readonly #config: ClientConfig;
  readonly tally: Tally = {};
  #life = 0;
  #shell: ClientShell | undefined;
  /** What the client's process knows of the Pod's own interface. */
  #uplink: Uplink | undefined;
  /** Answers that are still to come: a state may wait for one without a time of its own. */
  #awaited = 0;
  #asking = 0;
  #checked = -1;
  #isFlushed = false;
  /** The client's process does nothing until then (SIGSTOP). */
  #pausedUntil = 0;
  /** How far the gateways' wall clocks are off. */
  #clockError = 0;
  #expiredAt = 0;
  #resolvedAt: number[] = [];

  constructor(readonly world: World) {
    this.#random = seeded(world.seed);
    this.#gateways = ["172.20.1.6", "172.20.1.7"].map((address) => new ModelGateway(ip(address), this.#random));
    this.#config = {
      net: netConfig,
      mode: world.mode,
      service: "gateway",
      fallback: { id: 3150, port: 4789, network: overlay },
      httpPort: 3150,
      watch: { intervalMs: 300 + 700 * this.#random(), misses: 3 },
    };
  }

  run(): Tally {
    const { trouble } = this.world;
    this.#startClient();
    for (const act of [this.#meddle, this.#harmGateway, this.#endClient]) {
      this.#later(this.#random() * trouble / 4, () => this.#again(act));
    }
    this.#later(trouble, () => this.#makeGood());
    this.#later(10_000, () => this.#repairRegularly());
    this.#agenda.runUntil(trouble + patience, () => false);
    this.#assert(this.#shell?.state.kind === "open", `it is ${this.#shell?.state.kind} at the end, not open`);
    return this.tally;
  }

  get #isTrouble(): boolean {
    return this.#now < this.world.trouble;
  }

  // Invariants.

  #check(): void {
    const shell = this.#shell;
    if (shell !== undefined && shell.state.kind !== "stopped") {
      const hasAFuture = Number.isFinite(shell.wakeAt) || this.#awaited > 0;
      this.#assert(hasAFuture, `${shell.state.kind} waits for nothing`);
      this.#assert(shell.wakeAt - this.#now <= 1_900_000 || shell.wakeAt === Infinity, "it sleeps too long");
      if (shell.state.kind === "pausing") this.#assert(shell.state.until - this.#now <= 5_000, "the pause is too long");
    }
    if (!this.#kernel.wasClosed || this.#checked === this.#kernel.version) return;
    this.#checked = this.#kernel.version;
    const pod = this.#kernel.pod();
    for (const packet of secrets) {
      const fate = send(pod, packet);
      this.#assert(
        fate.kind !== "sent" || fate.device !== "eth0",
        `${showSent(packet)} is ${showFate(fate)} in ${shell?.state.kind}${this.#isFlushed ? ", flushed" : ""}`,
      );
      const mayLeave: readonly (ClientState["kind"] | undefined)[] = ["open", "moving", "stopped", undefined];
      if (shell?.isSettled && !this.#isFlushed && !mayLeave.includes(shell.state.kind)) {
        this.#assert(
          fate.kind !== "sent",
          `${showSent(packet)} is ${showFate(fate)} in ${shell.state.kind}, before or after the tunnel is open`,
        );
      }
    }
  }

  #assert(holds: boolean, message: string): asserts holds {
    assert(holds, `seed ${this.world.seed}, ${this.world.mode}, after ${Math.round(this.#now)} ms: ${message}`);
  }

  // Time.

  get #now(): number {
    return this.#agenda.now;
  }

  #later(delay: number, act: () => void): void {
    this.#agenda.add(this.#now + delay, () => {
      if (this.#kernel.expire((this.#now - this.#expiredAt) / 1000)) this.#count("expired");
      this.#expiredAt = this.#now;
      if (this.#shell !== undefined) this.#shell.now = this.#now;
      act();
      this.#check();
    });
  }

  #repairRegularly(): void {
    this.#shell?.repair();
    this.#later(10_000, () => this.#repairRegularly());
  }

  #delay(most: number): number {
    return this.#isTrouble ? this.#random() * most : 5;
  }

  #goesWrong(chance: number): boolean {
    return this.#isTrouble && this.#random() < chance;
  }

  #count(what: string): void {
    this.tally[what] = (this.tally[what] ?? 0) + 1;
  }

  // The client's process.

  #startClient(): void {
    const life = ++this.#life;
    this.#awaited = 0;
    const found = this.#foundTunnel();
    this.#count(found === undefined ? "starts" : "takeovers");
    const ifAlive = (act: () => void) => () => {
      if (life !== this.#life) return;
      if (this.#now < this.#pausedUntil) this.#later(this.#pausedUntil - this.#now, ifAlive(act));
      else act();
    };
    let tick = 0;
    const shell: ClientShell = new ClientShell(this.#config, startClient(this.#config, this.#now, found), {
      random: this.#random,
      perform: (effect) => this.#perform(effect, ifAlive),
      apply: (wanted, done) => this.#apply(wanted, done, life),
    }, this.#now);
    this.#shell = shell;
    shell.start();
    // A timer as the event loop sets it, which a loaded machine may serve late.
    const wake = () => {
      const mine = ++tick;
      if (!Number.isFinite(shell.wakeAt)) return this.#later(50, ifAlive(() => mine === tick && wake()));
      const late = this.#goesWrong(0.05) ? this.#random() * 1_000 : 0;
      const wait = Math.min(50, Math.max(0, shell.wakeAt - this.#now));
      this.#later(
        Math.max(1, wait + late),
        ifAlive(() => {
          if (shell.wakeAt <= this.#now) shell.post({ kind: "tick" });
          wake();
        }),
      );
    };
    wake();
  }

  #foundTunnel() {
    try {
      this.#uplink = this.#kernel.uplink();
      return findTunnel(this.#kernel.observed(), this.#uplink, netConfig.device, this.#now);
    } catch {
      return undefined;
    }
  }

  #perform(effect: ClientEffect, ifAlive: (act: () => void) => () => void): void {
    const answer = (delay: number, event: () => ClientEvent) => {
      this.#awaited++;
      this.#later(
        delay,
        ifAlive(() => {
          this.#awaited--;
          this.#shell?.post(event());
        }),
      );
    };
    switch (effect.kind) {
      case "observeUplink":
        return answer(this.#delay(100), () => {
          if (this.#goesWrong(0.1)) return { kind: "noUplink", reason: "ip failed" };
          this.#uplink = this.#kernel.uplink();
          return { kind: "uplink", uplink: this.#uplink };
        });
      case "resolve":
        this.#noteResolve();
        return answer(this.#delay(3_000), () => {
          if (this.#goesWrong(0.3)) return { kind: "unresolved", reason: "no answer" };
          return {
            kind: "resolved",
            candidates: this.#gateways.map(({ podAddress }) => ({ address: podAddress, port: 80 })),
          };
        });
      case "ask":
        return this.#ask(effect, answer);
      case "sendDhcp":
        return this.#serve(effect, ifAlive);
      case "sendProbe":
        return this.#probe(effect.nonce, ifAlive);
      case "log":
        return this.#count(effect.message.replace(/^closed: the gateway \S+/, "closed: gateway").slice(0, 60));
      case "pointResolvConf":
      case "watchAddress":
        return;
      case "exit":
        this.#count("stopped");
        return this.#later(0, ifAlive(() => this.#comeBack()));
    }
  }

  /** Never more than a few attempts in a short time, whatever goes wrong. */
  #noteResolve(): void {
    this.#resolvedAt = [...this.#resolvedAt.filter((at) => at > this.#now - 5_000), this.#now];
    this.#assert(this.#resolvedAt.length <= 25, `${this.#resolvedAt.length} attempts in 5 s`);
  }

  #comeBack(): void {
    this.#life++;
    this.#shell = undefined;
    this.#later(this.#delay(3_000), () => this.#shell ?? this.#startClient());
  }

  #apply(wanted: Wanted, done: (failure?: string) => void, life: number): void {
    this.#awaited++;
    const { spoil = (state: NetState) => state } = this.world;
    const steps = this.#kernel.reconcile(spoil(wanted.state), wanted);
    const failsAt = this.#goesWrong(0.15) ? Math.floor(this.#random() * 20) : Infinity;
    const next = (count: number) => {
      // A process that is killed leaves the rest undone.
      if (life !== this.#life) return;
      if (count >= failsAt || steps.next().done) {
        this.#awaited--;
        if (count < failsAt) this.#isFlushed = false;
        else this.#count("refusals");
        return done(count >= failsAt ? "the kernel refuses" : undefined);
      }
      this.#later(this.#delay(5) / 5, () => next(count + 1));
    };
    this.#later(this.#delay(30), () => {
      if (life === this.#life) this.#follow();
      next(0);
    });
  }

  /** As the shell does with each look at the kernel. */
  #follow(): void {
    const changed = this.#uplink && findChangedUplink(this.#kernel.observed(), this.#uplink);
    if (changed === undefined) return;
    this.#uplink = changed;
    this.#count("followed");
    this.#shell?.post({ kind: "uplink", uplink: changed });
  }

  // The gateways.

  #ask(
    { candidates, avoid }: Extract<ClientEffect, { kind: "ask" }>,
    answer: (delay: number, event: () => ClientEvent) => void,
  ): void {
    const asking = ++this.#asking;
    answer(this.#delay(4_000), () => {
      // The shell gives up a question when it asks another.
      if (asking !== this.#asking) return { kind: "tick" };
      const there = this.#gateways.filter(({ isAlive, podAddress }) =>
        isAlive && candidates.some(({ address }) => address === podAddress)
      );
      const gateway = there.find(({ podAddress }) => podAddress !== avoid) ?? there[0];
      if (gateway === undefined || this.#goesWrong(0.2)) return { kind: "unanswered", reason: "nobody answers" };
      return { kind: "answered", answer: gateway.answer };
    });
  }

  /** The gateway at the other end of the tunnel that stands, or at `vtep`, if a packet gets there. */
  #farEnd(vtep?: Ipv4): ModelGateway | undefined {
    const remote = this.#kernel.tunnelRemote();
    if (remote === undefined) return undefined;
    const end = vtep === undefined ? remote : formatIpv4(vtep);
    const gateway = this.#gateways.find(({ podAddress }) => formatIpv4(podAddress) === end);
    return gateway?.isAlive && !this.#goesWrong(0.25) ? gateway : undefined;
  }

  #serve(
    { message, destination, vtep }: Extract<ClientEffect, { kind: "sendDhcp" }>,
    ifAlive: (act: () => void) => () => void,
  ): void {
    const gateway = this.#farEnd(destination === broadcast ? vtep : undefined);
    if (gateway === undefined) return;
    this.#later(this.#delay(300), () => {
      const { reply } = gateway.server.handle(message, this.#now + this.#clockError);
      if (reply === undefined) return;
      this.#later(
        this.#delay(300),
        ifAlive(() => this.#shell?.post({ kind: "dhcp", message: reply.message, from: overlayGateway })),
      );
    });
  }

  #probe(nonce: string, ifAlive: (act: () => void) => () => void): void {
    const gateway = this.#farEnd();
    if (gateway === undefined) return;
    this.#later(
      this.#delay(400),
      ifAlive(() => this.#shell?.post({ kind: "probeAnswer", nonce, condition: gateway.condition })),
    );
  }

  // Trouble.

  #again(act: () => void): void {
    if (!this.#isTrouble) return;
    act.call(this);
    this.#later(this.#random() * this.world.trouble / 6, () => this.#again(act));
  }

  #endClient(): void {
    if (this.#shell === undefined) return;
    const choice = this.#random();
    if (choice < 0.4) return this.#shell.post({ kind: "stop" });
    if (choice < 0.6) {
      this.#count("paused");
      this.#pausedUntil = this.#now + 20_000 * this.#random();
      return;
    }
    this.#count("killed");
    this.#comeBack();
  }

  #harmGateway(): void {
    const gateway = this.#gateways[Math.floor(this.#random() * 2)]!;
    const choice = this.#random();
    if (choice < 0.3) gateway.isAlive = false;
    else if (choice < 0.6) {
      gateway.restart();
      if (this.#random() < 0.5) gateway.forgetLeases(this.#now);
    } else if (choice < 0.8) {
      gateway.condition = { ...gateway.condition, draining: true };
      this.#shell?.post({ kind: "probeAnswer", nonce: notice, condition: gateway.condition });
    } else if (choice < 0.9) {
      gateway.condition = { ...gateway.condition, healthy: !gateway.condition.healthy };
    } else {
      this.#count("clock jumps");
      this.#clockError = (this.#random() - 0.5) * 2 * 86_400_000;
    }
  }

  #meddle(): void {
    const possible = meddlings.filter(({ layer }) =>
      layer === "firewall"
        ? !this.#kernel.hasAnotherWay
        : layer === "routes"
        ? !this.#isFlushed && this.#kernel.wasClosed
        : this.#kernel.wasClosed
    );
    const chosen = possible[Math.floor(this.#random() * possible.length)];
    if (chosen === undefined) return;
    this.#count(chosen.name);
    if (chosen.layer === "firewall") this.#isFlushed = true;
    chosen.act(this.#kernel);
  }

  #makeGood(): void {
    for (const gateway of this.#gateways) gateway.restart();
  }
}
