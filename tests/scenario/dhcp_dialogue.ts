/**
 * Timed dialogues as tests: one side is the core on a virtual clock, the other is the script. Nothing sleeps.
 * Every packet is encoded and decoded on its way, so the codec is under test as well.
 */

import assert from "node:assert/strict";
import { broadcast, formatIpv4, parseIpv4 } from "../../mod/addr/ipv4.ts";
import { parseMac } from "../../mod/addr/mac.ts";
import { parsePrefix, type Prefix4 } from "../../mod/addr/prefix.ts";
import {
  type ClientEffect,
  type ClientEvent,
  type DhcpClientConfig,
  startDhcpClient,
  type Step,
  step,
} from "../../mod/dhcp/client.ts";
import { decodeDhcp, encodeDhcp } from "../../mod/wire/dhcpv4.ts";
import { missing, parse, words } from "./dhcp_text.ts";

export const mac = parseMac("02:78:0a:2a:00:05");

export function network(text: string): Prefix4 {
  const prefix = parsePrefix(text);
  assert(prefix.family === 4);
  return prefix;
}

/** What a client of ours knows of its gateway, and what that tells with a lease. */
export const gateway = { server: parseIpv4("172.29.0.1"), network: network("172.29.0.0/24") };
export const parameters = "server=172.29.0.1 lease=43200 mask=255.255.255.0 router=172.29.0.1 dns=172.29.0.1 mtu=1370";

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  };
}

/** `12.1 s`, `4 s +- 1 s`, `200 ms`, `6 h`, `2 h - 3 h` as a window of milliseconds. */
export function window(text: string): { from: number; to: number } {
  const duration = (part: string): number => {
    const [, value, unit] = /^([\d.]+) ?(ms|s|min|h|d)$/.exec(part.trim()) ?? assert.fail(`'${part}' is no time`);
    return Number(value) * { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 }[unit as "ms"];
  };
  const [middle = "", tolerance] = text.split("+-");
  if (tolerance !== undefined) {
    return { from: duration(middle) - duration(tolerance), to: duration(middle) + duration(tolerance) };
  }
  const [from = "", to = from] = text.split(/ - /);
  return { from: duration(from), to: duration(to) };
}

/** What may stand in the script of a client's dialogue, at a time. */
export type ClientMoment = {
  readonly client: {
    /** In the window the client sends this, and nothing else until then. */
    sends(pattern: string): void;
    /** At this time, together with what was sent or said before. `bound 172.29.0.20`, `lost expired`. */
    does(effect: string): void;
    /** Nothing comes from the client until the end of the window. */
    isSilent(): void;
    /** The host says. */
    isTold(event: "release" | "conflict"): void;
  };
  readonly server: { sends(line: string): void };
};

type Options = { readonly previous?: string; readonly seed?: number } & Partial<DhcpClientConfig>;

/** A test of the client against a scripted server. */
export function clientScenario(
  title: string,
  options: Options,
  script: (at: (when: string) => ClientMoment) => void,
): void {
  Deno.test(`dhcp client: ${title}`, () => {
    const { previous, seed = 1, ...config } = options;
    const runner = new ClientRunner({ mac, ...config }, previous, seeded(seed));
    script((when) => runner.at(when));
    runner.end();
  });
}

class ClientRunner {
  #now = 0;
  #step: Step;
  #effects: { readonly at: number; readonly effect: ClientEffect }[] = [];
  #xids: number[] = [];
  readonly #random: () => number;

  constructor(config: DhcpClientConfig, previous: string | undefined, random: () => number) {
    this.#random = random;
    const former = previous === undefined ? undefined : { address: parseIpv4(previous) };
    this.#step = startDhcpClient(config, former, 0, random);
    this.#collect();
  }

  at(when: string): ClientMoment {
    const { from, to } = window(when);
    return {
      client: {
        sends: (pattern) => this.#expectSend(pattern, from, to, when),
        does: (pattern) => this.#expectEffect(pattern, from, to, when),
        isSilent: () => {
          this.#advance(to);
          this.end();
        },
        isTold: (kind) => this.#tell({ kind }, from),
      },
      server: {
        sends: (line) => {
          const message = parse(line, { op: 2, xid: this.#xids.at(-1) ?? 0, chaddr: mac });
          this.#tell({ kind: "message", message: decodeDhcp(encodeDhcp(message)) }, from);
        },
      },
    };
  }

  /** Everything that the client did was in the script. */
  end(): void {
    assert.deepEqual(this.#effects.map(({ at, effect }) => `${at} ms: ${show(effect)}`), []);
  }

  #expectSend(pattern: string, from: number, to: number, when: string): void {
    const effect = this.#next(from, to, when, pattern);
    assert(effect.kind === "send", `at ${when} the client does '${show(effect)}' instead of sending ${pattern}`);
    const { xid } = effect.message;
    const relation = this.#xids.length === 0 ? "first-xid" : xid === this.#xids.at(-1) ? "same-xid" : "new-xid";
    this.#xids.push(xid);
    const present = [...sentWords(effect), relation];
    assert.deepEqual(missing(pattern, present), [], `at ${when} the client sends: ${present.join(" ")}`);
  }

  #expectEffect(pattern: string, from: number, to: number, when: string): void {
    const shown = show(this.#next(from, to, when, pattern));
    assert(shown.startsWith(pattern), `at ${when} the client does '${shown}', not '${pattern}'`);
  }

  #next(from: number, to: number, when: string, pattern: string): ClientEffect {
    while (this.#effects.length === 0 && this.#step.wakeAt <= to) this.#tick();
    const first = this.#effects.shift();
    assert(first !== undefined, `at ${when} the client does not do '${pattern}'`);
    assert(first.at >= from && first.at <= to, `'${show(first.effect)}' comes after ${first.at} ms, not at ${when}`);
    this.#now = Math.max(this.#now, first.at);
    return first.effect;
  }

  #advance(to: number): void {
    while (this.#step.wakeAt <= to) this.#tick();
    this.#now = Math.max(this.#now, to);
  }

  #tick(): void {
    this.#now = Math.max(this.#now, this.#step.wakeAt);
    this.#step = step(this.#step.state, { kind: "tick" }, this.#now, this.#random);
    assert(this.#step.wakeAt > this.#now, "the client wants to be woken without an end");
    this.#collect();
  }

  #tell(event: ClientEvent, at: number): void {
    assert(at >= this.#now, `the script goes back in time, from ${this.#now} ms to ${at} ms`);
    this.#advance(at);
    this.#step = step(this.#step.state, event, this.#now, this.#random);
    this.#collect();
  }

  #collect(): void {
    this.#effects.push(...this.#step.effects.map((effect) => ({ at: this.#now, effect })));
  }
}

function sentWords({ message, destination }: Extract<ClientEffect, { kind: "send" }>): string[] {
  const to = destination === broadcast ? "to=broadcast" : `to=${formatIpv4(destination)}`;
  return [...words(decodeDhcp(encodeDhcp(message))), to];
}

function show(effect: ClientEffect): string {
  switch (effect.kind) {
    case "send":
      return sentWords(effect).join(" ");
    case "bound": {
      const { lease } = effect;
      const seconds = (at: number) => Number.isFinite(at) ? `${Math.round((at - lease.boundAt) / 1000)}s` : "never";
      return [
        effect.renewed ? "renewed" : "bound",
        `${formatIpv4(lease.address)}/${lease.prefixLength}`,
        `expires=${seconds(lease.expiresAt)}`,
        `router=${lease.router === undefined ? "none" : formatIpv4(lease.router)}`,
        `dns=${lease.dnsServers.map(formatIpv4).join(",") || "none"}`,
        `mtu=${lease.mtu ?? "none"}`,
        `search=${[lease.domainName, ...lease.searchDomains].filter((name) => name !== undefined).join(",") || "none"}`,
      ].join(" ");
    }
    case "lost":
      return `lost ${effect.reason}`;
    case "ignored":
      return `ignored ${formatIpv4(effect.server)}: ${effect.reason}`;
  }
}
