/**
 * Timed dialogues of the client role: it runs on a virtual clock, the script is everybody else. The kernel obeys at once
 * and the Pod's interface is found at once, unless the script says otherwise. What the client does is a line each:
 *
 *     kernel discovering 172.20.1.6:80      what the kernel now holds
 *     resolves | asks 172.20.1.6:80 avoid=172.20.1.6 | DHCPDISCOVER no-broadcast at=172.20.1.6 ... | probes 172.29.0.1 | resolv.conf ...
 *     warn closed: ... | info open: ... | exits: stopped
 */

import assert from "node:assert/strict";
import { broadcast, formatIpv4, type Ipv4 } from "../../mod/addr/ipv4.ts";
import { gatewayMac, parseMac } from "../../mod/addr/mac.ts";
import { type GatewayCondition, notice } from "../../mod/health/probe.ts";
import type { ClientPhase } from "../../mod/netstate/client.ts";
import { type Uplink, uplinkDefault } from "../../mod/netstate/uplink.ts";
import { type ClientConfig, type FoundTunnel, startClient } from "../../mod/role/client.ts";
import type { ClientEffect, ClientEvent } from "../../mod/role/client_event.ts";
import type { GatewayInfo } from "../../mod/role/gateway_info.ts";
import type { DhcpMessage } from "../../mod/wire/dhcpv4.ts";
import { gatewayPod, ip, overlay, overlayGateway, tunnel, uplink } from "../unit/netstate/fixtures.ts";
import { config as netConfig } from "../unit/netstate/fixtures.ts";
import { ClientShell, type Wanted } from "./client_shell.ts";
import { seeded, window } from "./dhcp_dialogue.ts";
import { missing, parse, words } from "./dhcp_text.ts";

export const condition: GatewayCondition = {
  instance: "11".repeat(16),
  healthy: true,
  draining: false,
  full: false,
};

export const config: ClientConfig = {
  net: netConfig,
  mode: "run",
  service: "gateway.vpn.svc",
  fallback: { id: 3150, port: 4789, network: overlay },
  httpPort: 3150,
  watch: { intervalMs: 10_000, misses: 3 },
  hostName: "media-0",
};

export const found: FoundTunnel = {
  link: { uplink, tunnel, network: overlay },
  lease: { address: ip("172.29.0.20"), prefixLength: 24, expiresAt: 1_800_000 },
};

/** What may stand in the script, at a time. */
export type Moment = {
  readonly client: {
    /** In the window the client does this, and nothing else until then. A pattern: all of its words are in the line. */
    does(pattern: string): void;
    /** Nothing comes from the client until the end of the window. */
    isSilent(): void;
    isStopped(): void;
    /** Something may have changed: SIGHUP, or the kernel told of it. */
    looks(): void;
    /** It has slept since the last moment, and sees now that its time has come. */
    wakesUp(): void;
  };
  readonly kernel: {
    /** From now on each change fails; `undefined`: no more. */
    refuses(reason: string | undefined): void;
    /** From now on changes take until {@link finishes}. */
    isSlow(): void;
    finishes(failure?: string): void;
    /** From now on the Pod's interface cannot be found; `undefined`: it can. */
    hasNoUplink(reason: string | undefined): void;
    /** From now on the Pod has this address. */
    hasAddress(address: string): void;
    /** It was seen that the Pod has another uplink than before. */
    hasUplink(changed: Partial<Uplink>): void;
    /** Somebody else changed something: a link, an address, a route. */
    changes(): void;
    /** Another host claims the address that the client wanted to be watched. */
    seesConflict(mac: string): void;
  };
  readonly dns: { answers(address: string): void; fails(reason: string): void };
  readonly gateway: {
    /** Over HTTP. `plain`: its address alone. */
    answers(
      more?: Partial<GatewayCondition> & { podAddress?: string; plain?: boolean; mtu?: number; vxlanId?: number },
    ): void;
    isSilent(reason: string): void;
    /** `from`: another host in the tunnel. */
    sends(dhcp: string, from?: string): void;
    /** The answer to the client's last probe, or to the one before (`probesAgo` 1), and so on. */
    answersProbe(more?: Partial<GatewayCondition> & { probesAgo?: number; dns?: boolean }): void;
    /** The last probe comes back by ICMP, or has no way. */
    refusesProbe(fault: "noProgram" | "noTunnel" | "noWay"): void;
    takesConnection(): void;
    /** The answer that nobody asked for. */
    notifies(more: Partial<GatewayCondition>): void;
  };
};

export type At = (when: string | number) => Moment;
type Options = {
  readonly found?: FoundTunnel;
  readonly seed?: number;
  /** As {@link Moment.kernel} has it, from the start. */
  readonly refuses?: string;
  readonly hasNoUplink?: string;
  /** What the Pod has on other interfaces than its own. */
  readonly ownAddresses?: readonly string[];
} & Partial<ClientConfig>;

/** A test of the client against a script. */
export function clientScenario(title: string, options: Options, script: (at: At) => void): void {
  Deno.test(`client: ${title}`, { permissions: "none" }, () => {
    const runner = new Runner(options);
    script((when) => runner.at(when));
    runner.end();
  });
}

class Runner {
  readonly #lines: { readonly at: number; readonly text: string }[] = [];
  readonly #shell: ClientShell;
  #dhcp: DhcpMessage | undefined;
  readonly #probes: string[] = [];
  #watched: Ipv4 | undefined;
  #refusal: string | undefined;
  #isSlow = false;
  #pending: ((failure?: string) => void) | undefined;
  #isObserving = false;
  #noUplink: string | undefined;
  #uplink: Uplink;

  constructor({ found, seed = 1, refuses, hasNoUplink, ownAddresses = [], ...overrides }: Options) {
    this.#uplink = { ...uplink, ownAddresses: [uplink.address, ...ownAddresses.map(ip)] };
    this.#refusal = refuses;
    this.#noUplink = hasNoUplink;
    const whole = { ...config, ...overrides };
    this.#shell = new ClientShell(whole, startClient(whole, 0, found), {
      random: seeded(seed),
      perform: (effect) => this.#perform(effect),
      apply: (wanted, done) => this.#apply(wanted, done),
    }, 0);
    this.#shell.start();
    this.#obey();
  }

  at(when: string | number): Moment {
    const { from, to } = typeof when === "number" ? { from: when, to: when } : window(when);
    const tell = (act: () => void) => {
      this.#advance(from);
      act();
    };
    const post = (event: ClientEvent) => {
      this.#shell.post(event);
      this.#obey();
    };
    return {
      client: {
        does: (pattern) => this.#expect(pattern, from, to),
        isSilent: () => {
          this.#advance(to);
          this.end();
        },
        wakesUp: () => {
          this.#shell.now = from;
          this.#tick();
        },
        isStopped: () => tell(() => post({ kind: "stop" })),
        looks: () => tell(() => post({ kind: "look" })),
      },
      kernel: {
        refuses: (reason) => tell(() => this.#refusal = reason),
        isSlow: () => tell(() => this.#isSlow = true),
        finishes: (failure) => tell(() => this.#finish(failure)),
        hasNoUplink: (reason) => tell(() => this.#noUplink = reason),
        changes: () => tell(() => post({ kind: "kernelChanged" })),
        hasAddress: (address) => tell(() => this.#uplink = { ...this.#uplink, address: ip(address) }),
        hasUplink: (changed) =>
          tell(() => {
            this.#uplink = { ...this.#uplink, ...changed };
            post({ kind: "uplink", uplink: this.#uplink });
          }),
        seesConflict: (mac) =>
          tell(() => {
            const address = this.#watched ?? assert.fail("the client watches no address");
            post({ kind: "conflict", address, mac: parseMac(mac) });
          }),
      },
      dns: {
        answers: (address) => tell(() => post({ kind: "resolved", candidates: [{ address: ip(address), port: 80 }] })),
        fails: (reason) => tell(() => post({ kind: "unresolved", reason })),
      },
      gateway: {
        answers: ({ podAddress, plain, mtu, vxlanId, ...more } = {}) =>
          tell(() => {
            const info = gatewayInfo(podAddress, { mtu: mtu ?? 1400, id: vxlanId ?? 3150 }, more);
            post({ kind: "answered", answer: { podAddress: info.podAddress, ...(plain ? {} : { info }) } });
          }),
        isSilent: (reason) => tell(() => post({ kind: "unanswered", reason })),
        sends: (line, from = formatIpv4(overlayGateway)) =>
          tell(() => {
            const { xid, chaddr } = this.#dhcp ?? assert.fail("the client has asked for no lease");
            post({ kind: "dhcp", message: parse(line, { op: 2, xid, chaddr }), from: ip(from) });
          }),
        answersProbe: ({ probesAgo = 0, dns = false, ...more } = {}) =>
          tell(() => {
            const nonce = this.#probes.at(-1 - probesAgo) ?? assert.fail("the client has sent no such probe");
            post({ kind: "probeAnswer", nonce, ...(dns ? {} : { condition: { ...condition, ...more } }) });
          }),
        refusesProbe: (fault) => tell(() => post({ kind: "undelivered", fault })),
        takesConnection: () => tell(() => post({ kind: "reached" })),
        notifies: (more) =>
          tell(() => post({ kind: "probeAnswer", nonce: notice, condition: { ...condition, ...more } })),
      },
    };
  }

  /** Everything that the client did was in the script. */
  end(): void {
    assert.deepEqual(this.#lines.map(({ at, text }) => `${at} ms: ${text}`), []);
  }

  #expect(pattern: string, from: number, to: number): void {
    const shell = this.#shell;
    while (this.#lines.length === 0 && shell.wakeAt <= to) this.#tick();
    const line = this.#lines.shift();
    assert(line !== undefined, `until ${to} ms the client does not do '${pattern}'; it is ${shell.state.kind}`);
    assert.deepEqual(missing(pattern, line.text.split(" ")), [], `after ${line.at} ms the client does: ${line.text}`);
    assert(line.at >= from && line.at <= to, `'${line.text}' comes after ${line.at} ms, not in ${from} to ${to} ms`);
  }

  #advance(to: number): void {
    assert(to >= this.#shell.now, `the script goes back in time, from ${this.#shell.now} ms to ${to} ms`);
    for (let ticks = 0; this.#shell.wakeAt <= to; ticks++) {
      assert(ticks < 100_000, "the client wants to be woken without an end");
      this.#tick();
    }
    this.#shell.now = to;
  }

  #tick(): void {
    this.#shell.now = Math.max(this.#shell.now, this.#shell.wakeAt);
    this.#shell.post({ kind: "tick" });
    this.#obey();
  }

  #apply(wanted: Wanted, done: (failure?: string) => void): void {
    const finish = (failure?: string) => {
      if (failure === undefined) this.#note(`kernel ${showPhase(wanted.view)}`);
      done(failure);
    };
    this.#pending = finish;
  }

  #finish(failure: string | undefined): void {
    const finish = this.#pending ?? assert.fail("the kernel has nothing to do");
    this.#isSlow = false;
    this.#pending = undefined;
    finish(failure);
    this.#obey();
  }

  /** The kernel does what it was asked for, and what is asked for in answer to that; then the Pod is looked at. */
  #obey(): void {
    for (;;) {
      if (this.#pending !== undefined && !this.#isSlow) {
        const finish = this.#pending;
        this.#pending = undefined;
        finish(this.#refusal);
      } else if (this.#isObserving) {
        this.#isObserving = false;
        const reason = this.#noUplink;
        this.#shell.post(
          reason === undefined ? { kind: "uplink", uplink: this.#uplink } : { kind: "noUplink", reason },
        );
      } else return;
    }
  }

  #perform(effect: ClientEffect): void {
    if (effect.kind === "observeUplink") {
      this.#isObserving = true;
      return;
    }
    if (effect.kind === "watchAddress") {
      this.#watched = effect.address;
      return;
    }
    if (effect.kind === "sendDhcp") this.#dhcp = effect.message;
    if (effect.kind === "sendProbe") this.#probes.push(effect.nonce);
    this.#note(showEffect(effect));
  }

  #note(text: string): void {
    this.#lines.push({ at: this.#shell.now, text });
  }
}

function gatewayInfo(
  podAddress: string | undefined,
  vxlan: { readonly mtu: number; readonly id: number },
  more: Partial<GatewayCondition>,
) {
  const info: GatewayInfo = {
    podAddress: podAddress === undefined ? gatewayPod : ip(podAddress),
    vxlan: {
      port: 4789,
      network: overlay,
      gateway: overlayGateway,
      mac: gatewayMac(overlayGateway),
      ...vxlan,
    },
    condition: { ...condition, ...more },
  };
  return info;
}

function showEffect(effect: Exclude<ClientEffect, { kind: "observeUplink" | "watchAddress" }>): string {
  switch (effect.kind) {
    case "resolve":
      return "resolves";
    case "ask": {
      const whom = effect.candidates.map(({ address, port }) => `${formatIpv4(address)}:${port}`).join(" ");
      return `asks ${whom}` + (effect.avoid === undefined ? "" : ` avoid=${formatIpv4(effect.avoid)}`);
    }
    case "sendDhcp":
      return `${words(effect.message).join(" ")} ` +
        (effect.destination === broadcast ? `at=${formatIpv4(effect.vtep)}` : `to=${formatIpv4(effect.destination)}`);
    case "sendProbe":
      return `probes ${formatIpv4(effect.to)}` + (effect.form === "dns" ? " by-dns" : "");
    case "pointResolvConf":
      return `resolv.conf ${formatIpv4(effect.gateway)}`;
    case "log":
      return `${effect.level} ${effect.message}`;
    case "exit":
      return `exits: ${effect.reason}`;
  }
}

function showPhase(view: ClientPhase): string {
  const via = "tunnel" in view ? ` via=${formatIpv4(view.tunnel.remote)} mtu=${view.tunnel.mtu}` : "";
  const known = view.phase === "closed" && view.uplink !== undefined ? " for-good" : "";
  const asked = "candidates" in view ? view.candidates.map(({ address }) => ` ${formatIpv4(address)}`).join("") : "";
  const lease = "lease" in view ? ` as=${formatIpv4(view.lease.address)} until=${view.lease.expiresAt}` : "";
  const next = view.phase === "moving" && view.next !== undefined ? ` next=${formatIpv4(view.next)}` : "";
  const router = view.uplink === undefined ? undefined : uplinkDefault(view.uplink)?.via;
  const by = router === undefined ? "" : ` router=${formatIpv4(router)}`;
  return view.phase + known + asked + via + next + lease + by;
}

/** The other gateway. */
export const other = "172.20.1.7";

export const leaseOptions = "server=172.29.0.1 lease=3600 dns=172.29.0.1";

/** From nothing to a question to the gateway, in no time. */
export function reachesGateway(at: At, when: number): void {
  at(when).client.does("resolves");
  at(when).client.does("kernel discovering");
  at(when).dns.answers("172.20.1.6");
  at(when).client.does("kernel discovering 172.20.1.6");
  at(when).client.does("asks 172.20.1.6:80");
}

/** From the start until a lease is asked for, in no time. */
export function findsGateway(at: At): void {
  at(0).client.does("kernel closed");
  reachesGateway(at, 0);
  at(0).gateway.answers();
  at(0).client.does("info gateway found:");
  at(0).client.does("kernel leasing");
}

/** From a gateway's answer to open, in no time; its first watching probe is due an interval later. */
export function opens(at: At, when: number, address = "172.29.0.20", dhcp = "rapid"): void {
  at(when).client.does("info gateway found:");
  at(when).client.does("kernel leasing via=172.20.1.6");
  at(when).client.does(dhcp === "rapid" ? "DHCPDISCOVER rapid" : `DHCPREQUEST requested=${address}`);
  at(when).gateway.sends(`DHCPACK ${dhcp === "rapid" ? "rapid " : ""}yiaddr=${address} ${leaseOptions}`);
  at(when).client.does(`info address leased: ${address}`);
  at(when).client.does(`kernel verifying via=172.20.1.6 as=${address}`);
  at(when).client.does("probes 172.29.0.1");
  at(when).gateway.answersProbe();
  at(when).client.does("resolv.conf 172.29.0.1");
  at(when).client.does(`kernel open via=172.20.1.6 as=${address}`);
  at(when).client.does("info open:");
}

/** From the start to open, in no time. */
export function starts(at: At): void {
  at(0).client.does("kernel closed");
  reachesGateway(at, 0);
  at(0).gateway.answers();
  opens(at, 0);
}
