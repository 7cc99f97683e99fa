/**
 * Fuzzes the DNS forwarder: mutated queries from clients, mutated responses from upstreams. Nothing may throw or hang,
 * every answer must be well-formed, within its client's limit and carry its id, and memory must stay bounded.
 *
 *     deno run -A tests/fuzz/dns.ts [INPUTS] [SEED]
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { encode } from "dns-packet";
import { parsePrefix } from "../../mod/addr/prefix.ts";
import { Forwarder, mustAsk } from "../../mod/dns/forwarder.ts";
import type { Attempt } from "../../mod/dns/pending.ts";
import { readResponse, Response } from "../../mod/dns/response.ts";
import { a, optRecord, responseTo, seededRandom, soa } from "../unit/dns/dialogue.ts";

const inputs = Number(Deno.args[0] ?? 1_000_000);
const seed = Number(Deno.args[1] ?? Date.now() % 1_000_000);
console.log(`fuzz dns: ${inputs} inputs, seed ${seed}`);

const random = seededRandom(seed);
const below = (limit: number) => Math.floor(random() * limit);
const cacheBytes = 256 << 10;
/** Garbage that is not yet collected included. */
const mostHeap = 256 << 20;
const forwarder = new Forwarder<number>(
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
  random,
  {
    reply(client, isStream, message, length) {
      const id = waiting.get(client);
      assert.notEqual(id, undefined, "a second reply to one query");
      assert.equal((message[0]! << 8) | message[1]!, id);
      waiting.delete(client);
      checkReply(message, length, isStream ? 65_535 + 64 : 1232 + 64);
    },
    ask: (attempt) => attempts.push(attempt),
    forget(attempt) {
      const at = attempts.indexOf(attempt);
      assert.ok(at >= 0);
      attempts.splice(at, 1);
    },
  },
);

const names = ["example.com", "www.example.com", "web.svc.cluster.local", "localhost", "a.onion", "x.corp.example.com"];
const types = ["A", "AAAA", "TXT", "MX", "SOA", "CNAME", "SRV", "NS"] as const;
const attempts: Attempt<number>[] = [];
const waiting = new Map<number, number>();
const out = new Uint8Array(70_000);
const readBack = new Response();
let now = 0;
let client = 0;
let slowest = 0;

/** A message with a few octets changed, and its end cut off or random octets behind it now and then. */
function mutate(bytes: Uint8Array): Uint8Array {
  let result = bytes.slice();
  for (let count = below(6); count > 0 && result.length > 0; count--) {
    const at = random() < 0.5 ? below(result.length) : below(Math.min(result.length, 40));
    const kind = below(4);
    result[at] = kind === 0
      ? below(256)
      : kind === 1
      ? 0xc0 | below(4)
      : kind === 2
      ? 0
      : result[at]! ^ (1 << below(8));
  }
  const cut = random();
  if (cut < 0.1) result = result.slice(0, below(result.length + 1));
  else if (cut < 0.2) result = Uint8Array.of(...result, ...Array.from({ length: below(64) }, () => below(256)));
  return result;
}

function query(): Uint8Array {
  const label = random() < 0.5 ? `n${below(3000)}.` : "";
  const options = random() < 0.3 ? [{ code: 8, data: Buffer.alloc(below(20)) }] : [];
  const opt = { ...optRecord({ udpSize: below(65_536), dnssecOk: random() < 0.3 }), options } as unknown as ReturnType<
    typeof optRecord
  >;
  return new Uint8Array(encode({
    type: "query",
    id: below(65_536),
    flags: random() < 0.95 ? 0x0100 : below(65_536),
    questions: [{ name: label + names[below(names.length)]!, type: types[below(types.length)]!, class: "IN" }],
    additionals: random() < 0.6 ? [opt] : [],
  }));
}

function response(attempt: Attempt<number>): Uint8Array {
  const name = names[below(names.length)]!;
  return responseTo(attempt as unknown as Attempt<string>, {
    rcode: random() < 0.7 ? 0 : below(16),
    flags: random() < 0.05 ? 0x0200 : 0,
    answers: Array.from(
      { length: below(random() < 0.02 ? 300 : 4) },
      () => a(name, `${random() < 0.02 ? 10 : 203}.0.113.${below(256)}`, below(1000)),
    ),
    authorities: random() < 0.5 ? [soa(name, below(100), below(100))] : [],
    additionals: random() < 0.5 ? [optRecord()] : [],
  });
}

function checkReply(bytes: Uint8Array, length: number, limit: number): void {
  assert.ok(length >= 12 && length <= limit, `a reply of ${length} bytes for a limit of ${limit}`);
  assert.ok((bytes[2]! & 0x80) !== 0);
  const hasQuestion = ((bytes[4]! << 8) | bytes[5]!) === 1;
  assert.ok(!hasQuestion || readResponse(bytes, length, readBack), "a reply that is not well-formed");
}

function step(): void {
  now += below(20);
  const choice = random();
  if (choice < 0.6 || attempts.length === 0) {
    const bytes = random() < 0.4 ? query() : mutate(query());
    const isStream = random() < 0.1;
    const length = forwarder.answer(bytes, bytes.length, isStream, out, now);
    if (length > 0) checkReply(out, length, isStream ? 65_535 + 64 : 1232 + 64);
    if (length === mustAsk) {
      waiting.set(++client, (bytes[0]! << 8) | bytes[1]!);
      forwarder.ask(bytes, isStream, client, now);
    }
  } else if (choice < 0.95) {
    const attempt = attempts[below(attempts.length)]!;
    const bytes = random() < 0.3 ? response(attempt) : mutate(response(attempt));
    forwarder.received(attempt, bytes, bytes.length, now);
  } else if (choice < 0.97) {
    forwarder.failed(attempts[below(attempts.length)]!, now);
  } else if (choice < 0.971) {
    forwarder.setOutsideServers(random() < 0.2 ? [] : [`203.0.113.${below(4)}`, "2001:db8::53"], now);
  } else if (choice < 0.9715) {
    now += below(600_000);
  }
  if (forwarder.wakeAt <= now) forwarder.tick(now);
}

const start = performance.now();
const heapAt: number[] = [];
for (let index = 0; index < inputs; index++) {
  const before = performance.now();
  step();
  slowest = Math.max(slowest, performance.now() - before);
  if (index % Math.ceil(inputs / 4) === 0) heapAt.push(Deno.memoryUsage().heapUsed >> 20);
  assert.ok(attempts.length < 20_000 && waiting.size < 20_000, "questions pile up");
}
now += 10_000;
forwarder.tick(now);
assert.equal(waiting.size, 0, "a client never got its answer");
assert.equal(attempts.length, 0, "an attempt was never ended");
const { cacheUsedBytes, cacheEntries, upstreams: _, ...counts } = forwarder.stats();
assert.ok(cacheUsedBytes <= cacheBytes);
assert.ok(Deno.memoryUsage().heapUsed < mostHeap, `${Deno.memoryUsage().heapUsed} bytes of heap`);
const seconds = (performance.now() - start) / 1000;
console.log(
  `heap MiB over time: ${heapAt.join(" ")}; slowest input ${slowest.toFixed(1)} ms; cache ${cacheEntries} entries`,
);
console.log(JSON.stringify(counts));
console.log(`fuzz dns: ${inputs} inputs in ${seconds.toFixed(1)} s, no failure`);
