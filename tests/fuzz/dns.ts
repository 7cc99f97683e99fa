/**
 * Fuzzes the DNS forwarder: mutated queries from clients, mutated responses from upstreams. Nothing may throw or hang,
 * every answer must be well-formed, within its client's limit and carry its id, and memory must stay bounded.
 *
 *     deno task fuzz dns [INPUTS] [SEED]
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { encode } from "dns-packet";
import { parsePrefix } from "../../mod/addr/prefix.ts";
import { Forwarder, mustAsk } from "../../mod/dns/forwarder.ts";
import type { Attempt } from "../../mod/dns/pending.ts";
import { showMessage } from "../../mod/dns/presentation.ts";
import { readResponse, Response } from "../../mod/dns/response.ts";
import { putU16, u16 } from "../../mod/wire/dns.ts";
import { a, optRecord, seededRandom, soa } from "../unit/dns/dialogue.ts";

const cacheBytes = 256 << 10;
/** Garbage that is not yet collected included. */
const mostHeap = 256 << 20;
const corpusSize = 2_000;
const mostOutstanding = 20_000;
const headerLength = 12;
/** What a client takes by UDP and by TCP, an extended error behind it included. */
const [datagramLimit, streamLimit] = [1232 + 96, 65_535 + 96];

const names = ["example.com", "www.example.com", "web.svc.cluster.local", "localhost", "a.onion", "x.corp.example.com"];
const types = ["A", "AAAA", "TXT", "MX", "SOA", "CNAME", "SRV", "NS"] as const;

/** The records of a response: counts of the sections, the low half of the flags, and the records themselves. */
type Records = { readonly head: Uint8Array; readonly bytes: Uint8Array };

class Fuzz {
  readonly attempts: Attempt<number>[] = [];
  readonly waiting = new Map<number, number>();
  readonly forwarder: Forwarder<number>;
  readonly #random: () => number;
  readonly #queries: readonly Uint8Array[];
  readonly #responses: readonly Records[];
  readonly #out = new Uint8Array(70_000);
  readonly #readBack = new Response();
  #now = 0;
  #client = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#queries = Array.from({ length: corpusSize }, () => this.#makeQuery());
    this.#responses = Array.from({ length: corpusSize }, () => this.#makeRecords());
    this.forwarder = new Forwarder<number>(
      {
        own: { address: "172.29.0.1", port: 53 },
        clusterZones: ["cluster.local"],
        clusterServers: ["10.96.0.10"],
        outsideServers: ["203.0.113.1", "203.0.113.2", "tls://203.0.113.3#dns.example.com"],
        routes: [{ zone: "corp.example.com", servers: ["198.51.100.1"] }],
        cacheBytes,
        rebinding: { networks: [parsePrefix("10.0.0.0/8"), parsePrefix("fd00::/8")], except: [] },
        ttl: { minimum: 0, maximum: 86_400, negativeMaximum: 3600 },
        staleSeconds: 3600,
      },
      this.#random,
      {
        reply: (client, isStream, message, length) => this.#takeReply(client, isStream, message, length),
        ask: (attempt) => {
          this.attempts.push(attempt);
          return { close: () => this.#close(attempt) };
        },
      },
    );
  }

  #close(attempt: Attempt<number>): void {
    const at = this.attempts.indexOf(attempt);
    assert.ok(at >= 0);
    this.attempts.splice(at, 1);
  }

  /** One input, and what is due by then. */
  step(): void {
    const { forwarder, attempts } = this;
    this.#now += this.#below(20);
    const choice = this.#random();
    if (choice < 0.6 || attempts.length === 0) {
      this.#ask(this.#random() < 0.1);
    } else if (choice < 0.95) {
      const attempt = attempts[this.#below(attempts.length)]!;
      const bytes = this.#random() < 0.3 ? this.#response(attempt) : this.#mutate(this.#response(attempt));
      if (choice < 0.65) showMessage(bytes);
      forwarder.received(attempt, bytes, bytes.length, this.#now);
    } else if (choice < 0.97) {
      forwarder.failed(attempts[this.#below(attempts.length)]!, this.#now);
    } else if (choice < 0.971) {
      const servers = this.#random() < 0.2 ? [] : [`203.0.113.${this.#below(4)}`, "2001:db8::53"];
      forwarder.setOutsideServers(servers, this.#now);
    } else if (choice < 0.9715) {
      this.#now += this.#below(600_000);
    }
    if (forwarder.wakeAt <= this.#now) forwarder.tick(this.#now);
    assert.ok(attempts.length < mostOutstanding && this.waiting.size < mostOutstanding, "questions pile up");
  }

  /** Everybody has got an answer by the time that nobody waits any more, and nothing has grown. */
  end(): void {
    for (let ticks = 0; this.forwarder.wakeAt < Infinity && ticks < 1_000; ticks++) {
      this.#now += 10_000;
      this.forwarder.tick(this.#now);
    }
    assert.equal(this.waiting.size, 0, "a client never got its answer");
    assert.equal(this.attempts.length, 0, "an attempt was never ended");
    assert.ok(this.forwarder.stats().cacheUsedBytes <= cacheBytes);
    assert.ok(Deno.memoryUsage().heapUsed < mostHeap, `${Deno.memoryUsage().heapUsed} bytes of heap`);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #ask(isStream: boolean): void {
    const query = this.#queries[this.#below(corpusSize)]!.slice();
    putU16(query, 0, this.#below(65_536));
    const bytes = this.#random() < 0.4 ? query : this.#mutate(query);
    const length = this.forwarder.answer(bytes, bytes.length, isStream, this.#out, this.#now);
    if (length > 0) this.#checkReply(this.#out, length, isStream);
    if (length !== mustAsk) return;
    this.waiting.set(++this.#client, u16(bytes, 0));
    this.forwarder.ask(bytes, isStream, this.#client, this.#now);
  }

  #takeReply(client: number, isStream: boolean, message: Uint8Array, length: number): void {
    const id = this.waiting.get(client);
    assert.notEqual(id, undefined, "a second reply to one query");
    assert.equal(u16(message, 0), id);
    this.waiting.delete(client);
    this.#checkReply(message, length, isStream);
  }

  #checkReply(bytes: Uint8Array, length: number, isStream: boolean): void {
    const limit = isStream ? streamLimit : datagramLimit;
    assert.ok(length >= headerLength && length <= limit, `a reply of ${length} bytes for a limit of ${limit}`);
    assert.ok((bytes[2]! & 0x80) !== 0);
    const hasQuestion = u16(bytes, 4) === 1;
    assert.ok(!hasQuestion || readResponse(bytes, length, this.#readBack), "a reply that is not well-formed");
  }

  /** A message with a few octets changed, and its end cut off or random octets behind it now and then. */
  #mutate(bytes: Uint8Array): Uint8Array {
    let result = bytes;
    for (let count = this.#below(6); count > 0 && result.length > 0; count--) {
      const at = this.#below(this.#random() < 0.5 ? result.length : Math.min(result.length, 40));
      const choices = [this.#below(256), 0xc0 | this.#below(4), 0, result[at]! ^ (1 << this.#below(8))];
      result[at] = choices[this.#below(choices.length)]!;
    }
    const cut = this.#random();
    if (cut < 0.1) result = result.slice(0, this.#below(result.length + 1));
    else if (cut < 0.2) {
      result = Uint8Array.of(
        ...result,
        ...Array.from({ length: this.#below(64) }, () => this.#below(256)),
      );
    }
    return result;
  }

  #makeQuery(): Uint8Array {
    const label = this.#random() < 0.5 ? `n${this.#below(3000)}.` : "";
    const options = this.#random() < 0.3 ? [{ code: 8, data: Buffer.alloc(this.#below(20)) }] : [];
    const edns = { udpSize: this.#below(65_536), dnssecOk: this.#random() < 0.3 };
    const opt = { ...optRecord(edns), options } as unknown as ReturnType<typeof optRecord>;
    return new Uint8Array(encode({
      type: "query",
      flags: this.#random() < 0.95 ? 0x0100 : this.#below(65_536),
      questions: [{
        name: label + names[this.#below(names.length)]!,
        type: types[this.#below(types.length)]!,
        class: "IN",
      }],
      additionals: this.#random() < 0.6 ? [opt] : [],
    }));
  }

  /** `dns-packet` does not compress names, so records of one message are good in any other. */
  #makeRecords(): Records {
    const name = names[this.#below(names.length)]!;
    const count = this.#below(this.#random() < 0.02 ? 300 : 4);
    const address = () => `${this.#random() < 0.02 ? 10 : 203}.0.113.${this.#below(256)}`;
    const message = encode({
      type: "response",
      flags: 0x0180 | (this.#random() < 0.7 ? 0 : this.#below(16)) | (this.#random() < 0.05 ? 0x0200 : 0),
      answers: Array.from({ length: count }, () => a(name, address(), this.#below(1000))),
      authorities: this.#random() < 0.5 ? [soa(name, this.#below(100), this.#below(100))] : [],
      additionals: this.#random() < 0.5 ? [optRecord()] : [],
    });
    return { head: message.slice(2, headerLength), bytes: message.slice(headerLength) };
  }

  /** A response with the attempt's id and question. */
  #response({ message, pending }: Attempt<number>): Uint8Array {
    const { head, bytes } = this.#responses[this.#below(corpusSize)]!;
    const end = pending.question.length;
    const response = new Uint8Array(end + bytes.length);
    response.set(message.subarray(0, end));
    response.set(head, 2);
    putU16(response, 4, 1);
    response.set(bytes, end);
    return response;
  }
}

/** Throws when the forwarder does not hold. */
export function fuzzDns(inputs: number, seed: number): void {
  console.log(`fuzz dns: ${inputs} inputs, seed ${seed}`);
  const fuzz = new Fuzz(seed);
  const startedAt = performance.now();
  const heapAt: number[] = [];
  let slowest = 0;
  for (let index = 0; index < inputs; index++) {
    const before = performance.now();
    fuzz.step();
    slowest = Math.max(slowest, performance.now() - before);
    if (index % Math.ceil(inputs / 4) === 0) heapAt.push(Deno.memoryUsage().heapUsed >> 20);
  }
  fuzz.end();
  const { upstreams: _, ...counts } = fuzz.forwarder.stats();
  console.log(`heap MiB over time: ${heapAt.join(" ")}; slowest input ${slowest.toFixed(1)} ms`);
  console.log(JSON.stringify(counts));
  console.log(`fuzz dns: ${inputs} inputs in ${((performance.now() - startedAt) / 1000).toFixed(1)} s, no failure`);
}

if (import.meta.main) fuzzDns(Number(Deno.args[0] ?? 1_000_000), Number(Deno.args[1] ?? Date.now() % 1_000_000));
