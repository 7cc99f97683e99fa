/** A forwarder on a virtual clock, its clients and its upstreams: messages are written and read by `dns-packet`. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  type Answer,
  decode,
  type DecodedPacket,
  encode,
  type OptAnswer,
  type Packet,
  type RecordType,
} from "dns-packet";
import { parsePrefix } from "../../../mod/addr/prefix.ts";
import { Forwarder, mustAsk } from "../../../mod/dns/forwarder.ts";
import type { ForwarderConfig } from "../../../mod/dns/forwarder_config.ts";
import type { Attempt } from "../../../mod/dns/pending.ts";

export const config: ForwarderConfig = {
  own: { address: "172.29.0.1", port: 53 },
  clusterZones: ["cluster.local"],
  clusterServers: ["10.96.0.10"],
  outsideServers: ["203.0.113.1", "203.0.113.2"],
  routes: [],
  cacheBytes: 1 << 20,
  rebinding: { networks: [parsePrefix("10.0.0.0/8"), parsePrefix("fd00::/8")], except: ["home.example.com"] },
  ttl: { minimum: 0, maximum: 86_400, negativeMaximum: 3600 },
  staleSeconds: 86_400,
};

/** `rcode` is missing in the library's types. */
export type Message = DecodedPacket & { readonly rcode?: string };

export type Ask = {
  readonly type?: RecordType;
  readonly edns?: { readonly udpSize?: number; readonly dnssecOk?: boolean };
  readonly checkingDisabled?: boolean;
  readonly recursionDesired?: boolean;
  readonly stream?: boolean;
};

/** Numbers in [0, 1) that repeat from run to run. */
export function seededRandom(seed = 1): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

export class Dialogue {
  /** Milliseconds. */
  now = 1_000_000;
  readonly forwarder: Forwarder<string>;
  /** Messages to upstreams that are on their way. */
  readonly attempts: Attempt<string>[] = [];
  /** All messages to upstreams so far, `SERVER TRANSPORT`. */
  readonly sent: string[] = [];
  readonly replies: { readonly client: string; readonly message: Message; readonly bytes: Uint8Array }[] = [];
  readonly #out = new Uint8Array(70_000);
  #id = 100;

  constructor(overrides: Partial<ForwarderConfig> = {}) {
    this.forwarder = new Forwarder({ ...config, ...overrides }, seededRandom(), {
      reply: (client, _isStream, bytes, length) => {
        const message = bytes.slice(0, length);
        this.replies.push({ client, message: decode(Buffer.from(message)), bytes: message });
      },
      ask: (attempt) => {
        this.attempts.push(attempt);
        this.sent.push(`${attempt.upstream.name} ${attempt.transport}`);
        return { close: () => this.attempts.splice(this.attempts.indexOf(attempt), 1) };
      },
    });
  }

  /** A client's query. What is answered at once comes back; otherwise look at `replies`. */
  ask(
    name: string,
    { type = "A", edns, checkingDisabled, recursionDesired = true, stream = false }: Ask = {},
    client = "pod",
  ) {
    const query = encode({
      type: "query",
      id: this.#id++,
      flags: (recursionDesired ? 0x0100 : 0) | (checkingDisabled ? 0x10 : 0),
      questions: [{ type, name, class: "IN" }],
      additionals: edns === undefined ? [] : [optRecord(edns)],
    });
    return this.askBytes(new Uint8Array(query), stream, client);
  }

  askBytes(query: Uint8Array, stream = false, client = "pod"): Message | undefined {
    const length = this.forwarder.answer(query, query.length, stream, this.#out, this.now);
    if (length === mustAsk) this.forwarder.ask(query, stream, client, this.now);
    return length > 0 ? decode(Buffer.from(this.#out.slice(0, length))) : undefined;
  }

  /** The upstream's answer to the oldest message that is on its way, or to `attempt`. */
  upstreamAnswers(answer: Partial<Packet> & { readonly rcode?: number }, attempt = this.attempts[0]!): void {
    this.upstreamSends(responseTo(attempt, answer), attempt);
  }

  upstreamSends(bytes: Uint8Array, attempt = this.attempts[0]!): void {
    this.forwarder.received(attempt, bytes, bytes.length, this.now);
  }

  upstreamFails(attempt = this.attempts[0]!): void {
    this.forwarder.failed(attempt, this.now);
  }

  setOutsideServers(...servers: string[]): void {
    this.forwarder.setOutsideServers(servers, this.now);
  }

  /** Lets time pass, with a tick whenever the forwarder wants one. */
  wait(milliseconds: number): void {
    const until = this.now + milliseconds;
    for (let ticks = 0; this.forwarder.wakeAt <= until; ticks++) {
      assert.ok(ticks < 1000, "the forwarder wants ticks without end");
      this.now = Math.max(this.now, this.forwarder.wakeAt);
      this.forwarder.tick(this.now);
    }
    this.now = until;
  }

  /** The one reply that has come since the last call. */
  reply(): Message {
    assert.equal(this.replies.length, 1);
    return this.replies.pop()!.message;
  }
}

/** A response with the id and the question, in its spelling, of what the attempt asked. */
export function responseTo(
  attempt: Attempt<string>,
  answer: Partial<Packet> & { readonly rcode?: number },
): Uint8Array {
  const asked = decode(Buffer.from(attempt.message));
  const { rcode = 0, flags = 0, ...sections } = answer;
  const response = {
    type: "response",
    id: asked.id,
    flags: 0x0180 | flags | rcode,
    questions: asked.questions,
  } as const;
  return new Uint8Array(encode({ ...response, ...sections }));
}

export function a(name: string, data: string, ttl = 300): Answer {
  return { type: "A", name, ttl, data, class: "IN" };
}

export function soa(name: string, ttl = 60, minimum = 60): Answer {
  const data = { mname: `ns.${name}`, rname: `host.${name}`, serial: 1, refresh: 1, retry: 1, expire: 1, minimum };
  return { type: "SOA", name, ttl, class: "IN", data };
}

export function optRecord({ udpSize = 1232, dnssecOk = false }: NonNullable<Ask["edns"]> = {}): OptAnswer {
  const flags = dnssecOk ? 0x8000 : 0;
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: udpSize,
    extendedRcode: 0,
    ednsVersion: 0,
    flags,
    flag_do: dnssecOk,
    options: [],
  };
}

/** The data of the answer section's records. */
export function data(message: Message | undefined): unknown[] {
  return (message?.answers ?? []).map((answer) => "data" in answer ? answer.data : undefined);
}

/** The code of the extended error (RFC 8914) that came along. */
export function extendedError(message: Message | undefined): number | undefined {
  const opt = message?.additionals?.find((record) => record.type === "OPT");
  const option = opt?.type === "OPT" ? opt.options.find(({ code }) => code === 15 as never) : undefined;
  const bytes = option !== undefined && "data" in option ? option.data as Uint8Array : undefined;
  return bytes === undefined ? undefined : (bytes[0]! << 8) | bytes[1]!;
}
