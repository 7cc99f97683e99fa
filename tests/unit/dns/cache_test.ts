import assert from "node:assert/strict";
import fc from "fast-check";
import { absent, Cache } from "../../../mod/dns/cache.ts";
import { Query, readQuery } from "../../../mod/wire/dns.ts";
import { seededRandom } from "./dialogue.ts";

/** A question for `name`, one label, and what is stored for it: the question with `filler` octets behind. */
function question(name: string, type = 1, seed = 0): { bytes: Uint8Array; query: Query } {
  const label = Array.from(name, (character) => character.charCodeAt(0));
  const bytes = Uint8Array.of(0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, label.length, ...label, 0, 0, type, 0, 1);
  const query = new Query(seed);
  assert.equal(readQuery(bytes, bytes.length, query), 0);
  return { bytes, query };
}

function store(
  cache: Cache,
  name: string,
  filler: number,
  options: { ttl?: number; outside?: boolean; now?: number } = {},
) {
  const { bytes, query } = question(name);
  const message = new Uint8Array(bytes.length + filler).fill(name.charCodeAt(0));
  message.set(bytes);
  const ttlOffsets = Uint16Array.of(bytes.length, bytes.length + 1);
  const { ttl = 60, outside = false, now = 0 } = options;
  cache.store({ key: query, message, length: message.length, ttlOffsets, ttlCount: 2, ttl, outside }, now);
  return message;
}

function read(cache: Cache, name: string): Uint8Array | undefined {
  const { bytes, query } = question(name);
  const entry = cache.find(bytes, query);
  if (entry === absent) return undefined;
  const { bytes: block, at, length, ttlOffsets, ttlOffsetsAt, ttlCount } = cache.stored(entry);
  assert.deepEqual([...ttlOffsets.subarray(ttlOffsetsAt, ttlOffsetsAt + ttlCount)], [bytes.length, bytes.length + 1]);
  return block.slice(at, at + length);
}

Deno.test("what was stored is found in any spelling, by its type, until it expires", () => {
  const cache = new Cache(4096);
  const message = store(cache, "name", 10, { ttl: 5, now: 100 });
  assert.deepEqual(read(cache, "NaMe"), message);
  assert.equal(read(cache, "nam"), undefined);
  const other = question("name", 28);
  assert.equal(cache.find(other.bytes, other.query), absent);
  const { bytes, query } = question("name");
  const entry = cache.find(bytes, query);
  assert.deepEqual([cache.isFresh(entry, 104), cache.isFresh(entry, 105)], [true, false]);
  assert.deepEqual([cache.age(entry, 103), cache.overdue(entry, 107)], [3, 2]);
});

Deno.test("a type that differs in the bit of upper case is another type", () => {
  const cache = new Cache(4096);
  store(cache, "name", 1);
  const { bytes } = question("name", 0x41);
  const lower = question("name", 0x61);
  const key = { ...lower.query, hash: 7 };
  cache.store({
    key,
    message: lower.bytes,
    length: lower.bytes.length,
    ttlOffsets: new Uint16Array(0),
    ttlCount: 0,
    ttl: 1,
    outside: false,
  }, 0);
  assert.equal(cache.find(bytes, key), absent);
  assert.notEqual(cache.find(lower.bytes, key), absent);
});

Deno.test("what the outside said is forgotten at once, the rest stays", () => {
  const cache = new Cache(4096);
  store(cache, "inside", 10);
  store(cache, "outside", 10, { outside: true });
  cache.forgetOutside();
  assert.equal(read(cache, "outside"), undefined);
  assert.ok(read(cache, "inside"));
  store(cache, "outside", 20, { outside: true });
  assert.ok(read(cache, "outside"));
});

Deno.test("a flood of names that are asked for once leaves those in use", () => {
  const cache = new Cache(16_384);
  for (let index = 0; index < 20; index++) store(cache, `used${index}`, 30);
  for (let round = 0; round < 2000; round++) {
    store(cache, `once${round}`, 30);
    const { bytes, query } = question(`used${round % 20}`);
    const entry = cache.find(bytes, query);
    if (entry !== absent) cache.use(entry);
  }
  const left = Array.from({ length: 20 }, (_, index) => read(cache, `used${index}`)).filter((one) => one !== undefined);
  assert.equal(left.length, 20);
  assert.ok(cache.evictions > 1500);
  assert.ok(cache.usedBytes <= 16_384);
});

Deno.test("an answer that would take over a quarter of the room is not kept", () => {
  const cache = new Cache(4096);
  store(cache, "big", 1100);
  assert.equal(read(cache, "big"), undefined);
  store(cache, "big", 700);
  assert.ok(read(cache, "big"));
});

Deno.test("property: it holds nothing but what was stored last for a name, whatever was evicted", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 4096, max: 9000 }), (seed, size) => {
      const cache = new Cache(size);
      const random = seededRandom(seed);
      const last = new Map<string, Uint8Array>();
      let most = 0;
      for (let step = 0; step < 1500; step++) {
        const name = `n${Math.floor(random() * 60)}`;
        const choice = random();
        if (choice < 0.6) last.set(name, store(cache, name, Math.floor(random() * (random() < 0.1 ? 900 : 60))));
        else if (choice < 0.61) cache.forgetOutside();
        const found = read(cache, name);
        if (found !== undefined) assert.deepEqual(found, last.get(name));
        if (random() < 0.5) {
          const { bytes, query } = question(name);
          const entry = cache.find(bytes, query);
          if (entry !== absent) cache.use(entry);
        }
        assert.ok(cache.usedBytes <= size && cache.entries <= 60);
        most = Math.max(most, cache.entries);
      }
      // At the end a few large ones may have pushed out the others.
      assert.ok(most > 10);
    }),
    { numRuns: 50 },
  );
});

Deno.test("names that somebody chose because they share a bucket share none with another seed", () => {
  const bucket = (name: string, seed: number) => question(name, 1, seed).query.hash & 0xff;
  const chosen = Array.from({ length: 50_000 }, (_, index) => `n${index}`).filter((name) => bucket(name, 0) === 0);
  assert.ok(chosen.length > 100);
  for (const seed of [1, 0x3150, 0xdeadbeef]) {
    const buckets = Map.groupBy(chosen, (name) => bucket(name, seed));
    assert.ok(Math.max(...[...buckets.values()].map(({ length }) => length)) < 20);
  }
});
