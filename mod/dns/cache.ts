/**
 * Answers by question, in one block of memory of a given size.
 *
 * The block is a ring. New entries go to its head; when there is no room, the oldest are dropped at its tail, except
 * that one which was used since it was written moves to the head once more (the "clock" approximation of LRU). So the
 * size is bounded to the byte, nothing is left for the garbage collector, and a flood of names that are asked for once
 * pushes out other such names, not the ones in use.
 */

import { copyBytes, headerLength, lowerCase } from "../wire/dns.ts";
import type { Stored } from "./reply.ts";

/** Offset of an entry in the ring; {@link absent} for none. It is valid until the next `store`. */
export type Entry = number;
export const absent: Entry = -1;

/** An entry's fields, as 32-bit words before its message. */
const word = { size: 0, next: 1, hash: 2, storedAt: 3, expiresAt: 4, askAgainAt: 5, lengths: 6, state: 7 } as const;
const entryHeader = 32;
/** Bits of the word `state`; the uses are counted above them, the generation above those. */
const state = { live: 1, dnssecOk: 2, checkingDisabled: 4, outside: 8, padding: 16 } as const;
const usesShift = 8;
const maxUses = 0xff;
const generationShift = 16;
/** So many entries at most are moved to make room for one: a store takes a bounded time. */
const maxMoves = 64;

/** What an entry is found by, beside the bytes of the question. */
export type Key = {
  readonly hash: number;
  readonly nameEnd: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
};

/** What is to be kept. */
export type NewEntry = {
  readonly key: Key;
  /** Normalised, its question in lower case. */
  readonly message: Uint8Array;
  readonly length: number;
  readonly ttlOffsets: Uint16Array;
  readonly ttlCount: number;
  /** Seconds. */
  readonly ttl: number;
  /** From a server of outside names: {@link Cache.forgetOutside} ends it. */
  readonly outside: boolean;
};

export class Cache {
  readonly #bytes: Uint8Array;
  readonly #halves: Uint16Array;
  readonly #words: Uint32Array;
  readonly #buckets: Uint32Array;
  #head = 0;
  #tail = 0;
  /** Bytes between tail and head, dead entries and padding included. */
  #used = 0;
  #generation = 0;
  #entries = 0;
  evictions = 0;

  /** @param size in bytes; the index adds at most 1/32 of it */
  constructor(size: number) {
    const capacity = Math.max(size & ~3, 4096);
    const block = new ArrayBuffer(capacity);
    this.#bytes = new Uint8Array(block);
    this.#halves = new Uint16Array(block);
    this.#words = new Uint32Array(block);
    this.#buckets = new Uint32Array(2 ** Math.max(6, Math.floor(Math.log2(capacity / 128))));
  }

  get entries(): number {
    return this.#entries;
  }

  get usedBytes(): number {
    return this.#used;
  }

  /** The entry for the question in `question`, which may be in any case. It may have expired. */
  find(question: Uint8Array, key: Key): Entry {
    const words = this.#words;
    const flags = stateOf(key);
    let link = this.#buckets[key.hash & (this.#buckets.length - 1)]!;
    while (link !== 0) {
      const base = link - 1;
      if (words[base + word.hash] === key.hash) {
        const bits = words[base + word.state]!;
        if (
          (bits & (state.dnssecOk | state.checkingDisabled)) === flags && this.#isCurrent(bits) &&
          this.#asks((base << 2) + entryHeader, question, key.nameEnd)
        ) return base << 2;
      }
      link = words[base + word.next]!;
    }
    return absent;
  }

  isFresh(entry: Entry, seconds: number): boolean {
    return seconds < this.expiresAt(entry);
  }

  expiresAt(entry: Entry): number {
    return this.#words[(entry >> 2) + word.expiresAt]!;
  }

  /** Seconds since the entry was stored. */
  age(entry: Entry, seconds: number): number {
    return seconds - this.#words[(entry >> 2) + word.storedAt]!;
  }

  /** Seconds since the entry expired; negative while it is fresh. Of no entry it is long ago. */
  overdue(entry: Entry, seconds: number): number {
    return entry === absent ? Infinity : seconds - this.expiresAt(entry);
  }

  rcode(entry: Entry): number {
    return this.#bytes[entry + entryHeader + 3]! & 0x0f;
  }

  /** The entry's message, for `writeStored`. */
  stored(entry: Entry): Stored {
    const lengths = this.#words[(entry >> 2) + word.lengths]!;
    const length = lengths & 0xffff;
    const at = entry + entryHeader;
    const ttlOffsetsAt = (at + length + 1) >> 1;
    return { bytes: this.#bytes, at, length, ttlOffsets: this.#halves, ttlOffsetsAt, ttlCount: lengths >>> 16 };
  }

  /** Counts a use and says how many there were. */
  use(entry: Entry): number {
    const at = (entry >> 2) + word.state;
    const uses = (this.#words[at]! >>> usesShift) & maxUses;
    if (uses < maxUses) this.#words[at]! += 1 << usesShift;
    return uses + 1;
  }

  /** When the question should be asked again: before the expiry to prefetch it, behind it to let a stale answer do. */
  askAgainAt(entry: Entry): number {
    return this.#words[(entry >> 2) + word.askAgainAt]!;
  }

  setAskAgainAt(entry: Entry, seconds: number): void {
    this.#words[(entry >> 2) + word.askAgainAt] = seconds;
  }

  /** Keeps an answer, in place of an earlier one to the same question. */
  store(entry: NewEntry, seconds: number): void {
    const { key, message, length, ttlOffsets, ttlCount, ttl } = entry;
    this.forget(message, key);
    const evenLength = (length + 1) & ~1;
    const size = (entryHeader + evenLength + 2 * ttlCount + 3) & ~3;
    if (size > this.#bytes.length >> 2) return;
    const at = this.#makeRoom(size);
    const words = this.#words;
    const base = at >> 2;
    words[base + word.size] = size;
    words[base + word.hash] = key.hash;
    words[base + word.storedAt] = seconds;
    words[base + word.expiresAt] = seconds + ttl;
    words[base + word.askAgainAt] = seconds + Math.ceil(ttl * 0.9);
    words[base + word.lengths] = (ttlCount << 16) | length;
    words[base + word.state] = stateOf(key) | state.live |
      (entry.outside ? state.outside | (this.#generation << generationShift) : 0);
    copyBytes(message, 0, length, this.#bytes, at + entryHeader);
    const ttlOffsetsAt = (at + entryHeader + evenLength) >> 1;
    for (let index = 0; index < ttlCount; index++) this.#halves[ttlOffsetsAt + index] = ttlOffsets[index]!;
    this.#link(at);
    this.#head = at + size;
    this.#used += size;
    this.#entries++;
  }

  /** Ends what is known in answer to `question`. */
  forget(question: Uint8Array, key: Key): void {
    const entry = this.find(question, key);
    if (entry !== absent) this.#kill(entry);
  }

  /** Forgets what servers of outside names said. */
  forgetOutside(): void {
    // Entries of other generations are dead to `find`; the number comes round after 65,536 changes of the servers.
    this.#generation = (this.#generation + 1) & 0xffff;
  }

  #isCurrent(bits: number): boolean {
    return (bits & state.outside) === 0 || bits >>> generationShift === this.#generation;
  }

  #asks(messageAt: number, question: Uint8Array, nameEnd: number): boolean {
    const bytes = this.#bytes;
    let at = headerLength;
    for (; at < nameEnd; at++) if (bytes[messageAt + at] !== lowerCase[question[at]!]) return false;
    for (const end = nameEnd + 4; at < end; at++) if (bytes[messageAt + at] !== question[at]) return false;
    return true;
  }

  /** Offset of `size` free bytes in a row at the head. */
  #makeRoom(size: number): number {
    const capacity = this.#bytes.length;
    let moves = 0;
    for (;;) {
      if (this.#used === 0) this.#head = this.#tail = 0;
      const freeIsAtEnd = this.#head > this.#tail || this.#used === 0;
      if (this.#head + size <= (freeIsAtEnd ? capacity : this.#tail)) return this.#head;
      if (freeIsAtEnd) {
        this.#padToEnd();
      } else {
        const base = this.#tail >> 2;
        const bits = this.#words[base + word.state]!;
        const wasUsed = (bits & state.live) !== 0 && this.#isCurrent(bits) && ((bits >>> usesShift) & maxUses) !== 0;
        if (wasUsed && moves++ < maxMoves) this.#moveTailToHead();
        else this.#dropTail();
      }
    }
  }

  /** The free bytes behind the head are too few: they become an entry that is dead, and the head starts anew. */
  #padToEnd(): void {
    const rest = this.#bytes.length - this.#head;
    if (rest >= entryHeader) {
      this.#words[(this.#head >> 2) + word.size] = rest;
      this.#words[(this.#head >> 2) + word.state] = state.padding;
    }
    this.#used += rest;
    this.#head = 0;
  }

  #dropTail(): void {
    if (this.#skipRestBehindTail()) return;
    const base = this.#tail >> 2;
    const size = this.#words[base + word.size]!;
    if ((this.#words[base + word.state]! & state.live) !== 0) {
      this.#kill(this.#tail);
      this.evictions++;
    }
    this.#advanceTail(size);
    this.#used -= size;
  }

  /** Free and tail are in one row here, so what leaves the tail fits at the head. */
  #moveTailToHead(): void {
    const size = this.#words[(this.#tail >> 2) + word.size]!;
    this.#unlink(this.#tail);
    this.#bytes.copyWithin(this.#head, this.#tail, this.#tail + size);
    this.#words[(this.#head >> 2) + word.state]! &= ~(maxUses << usesShift);
    this.#link(this.#head);
    this.#head += size;
    this.#advanceTail(size);
  }

  /** Padding too short for an entry's header carries no size: it is what is left of the block. */
  #skipRestBehindTail(): boolean {
    const rest = this.#bytes.length - this.#tail;
    if (rest >= entryHeader) return false;
    this.#tail = 0;
    this.#used -= rest;
    return true;
  }

  #advanceTail(size: number): void {
    this.#tail += size;
    if (this.#tail === this.#bytes.length) this.#tail = 0;
  }

  #kill(entry: Entry): void {
    this.#unlink(entry);
    this.#words[(entry >> 2) + word.state] = 0;
    this.#entries--;
  }

  #link(entry: Entry): void {
    const base = entry >> 2;
    const bucket = this.#words[base + word.hash]! & (this.#buckets.length - 1);
    this.#words[base + word.next] = this.#buckets[bucket]!;
    this.#buckets[bucket] = base + 1;
  }

  #unlink(entry: Entry): void {
    const words = this.#words;
    const target = (entry >> 2) + 1;
    const next = words[(entry >> 2) + word.next]!;
    const bucket = words[(entry >> 2) + word.hash]! & (this.#buckets.length - 1);
    let link = this.#buckets[bucket]!;
    if (link === target) {
      this.#buckets[bucket] = next;
      return;
    }
    while (words[link - 1 + word.next] !== target) link = words[link - 1 + word.next]!;
    words[link - 1 + word.next] = next;
  }
}

function stateOf({ dnssecOk, checkingDisabled }: Key): number {
  return (dnssecOk ? state.dnssecOk : 0) | (checkingDisabled ? state.checkingDisabled : 0);
}
