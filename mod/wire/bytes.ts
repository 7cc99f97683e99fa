/** Bounds-checked reading and writing of network-order integers and bytes. */

import { PgwError } from "../errors.ts";

/** A packet is not what it should be. Whoever sent it is at fault: count it and drop it. */
export class WireError extends PgwError {}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && hasBytes(a, 0, b);
}

/** Whether `wanted` is in `bytes` from `at` on: without the view of it that {@link sameBytes} would need. */
export function hasBytes(bytes: Uint8Array, at: number, wanted: Uint8Array): boolean {
  for (let index = 0; index < wanted.length; index++) if (bytes[at + index] !== wanted[index]) return false;
  return true;
}

/**
 * Reads from the front of `bytes`; every read past the end throws a {@link WireError}. By index and not through a
 * DataView, which a server would make, and have collected, for every message.
 */
export class Reader {
  #offset = 0;

  /** @param end of what is there to be read in `bytes` */
  constructor(readonly bytes: Uint8Array, readonly end: number = bytes.length) {}

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.end - this.#offset;
  }

  u8(): number {
    return this.bytes[this.#advance(1)]!;
  }

  u16(): number {
    const at = this.#advance(2);
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!;
  }

  u32(): number {
    const at = this.#advance(4);
    const { bytes } = this;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  /** A view, not a copy, of the next `length` bytes. */
  take(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.bytes.subarray(start, start + length);
  }

  skip(length: number): void {
    this.#advance(length);
  }

  #advance(length: number): number {
    const start = this.#offset;
    if (length > this.remaining) {
      throw new WireError(`truncated: ${length} bytes wanted at offset ${start} of ${this.end}`);
    }
    this.#offset += length;
    return start;
  }
}

/** Writes behind what it has written; it grows up to `limit` bytes and then throws a {@link WireError}. */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  /** What {@link finish} gave last: messages of a kind are of one length, and a view made for each must be collected. */
  #finished: Uint8Array<ArrayBuffer> | undefined;

  constructor(readonly limit = 65_535, initialCapacity = 576) {
    this.#bytes = new Uint8Array(Math.min(limit, initialCapacity));
  }

  get length(): number {
    return this.#length;
  }

  /** Forgets what was written: its memory, and with it what {@link finish} gave, is written over. */
  restart(): this {
    this.#length = 0;
    return this;
  }

  u8(value: number): this {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#reserve(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    this.#bytes[at] = value >>> 24;
    this.#bytes[at + 1] = value >>> 16;
    this.#bytes[at + 2] = value >>> 8;
    this.#bytes[at + 3] = value;
    return this;
  }

  put(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Text of characters below U+0080. */
  ascii(text: string): this {
    const at = this.#reserve(text.length);
    for (let index = 0; index < text.length; index++) this.#bytes[at + index] = text.charCodeAt(index);
    return this;
  }

  zeros(count: number): this {
    const at = this.#reserve(count);
    this.#bytes.fill(0, at, at + count);
    return this;
  }

  /** What was written, without a copy. */
  finish(): Uint8Array<ArrayBuffer> {
    if (this.#finished?.buffer !== this.#bytes.buffer || this.#finished.length !== this.#length) {
      this.#finished = this.#bytes.subarray(0, this.#length);
    }
    return this.#finished;
  }

  #reserve(count: number): number {
    const start = this.#length;
    const end = start + count;
    if (end > this.limit) throw new WireError(`a message of over ${this.limit} bytes cannot be sent`);
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(this.limit, Math.max(end, 2 * this.#bytes.length)));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#length = end;
    return start;
  }
}
