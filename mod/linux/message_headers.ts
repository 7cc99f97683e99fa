/** The arrays that recvmmsg(2) and sendmmsg(2) work on, laid out once. */

import { addressOf, pinned } from "./libc.ts";

/** `iovec` and `mmsghdr`. */
const vectorSize = 16;
const headerSize = 64;
const headerName = 0;
const headerNameLength = 8;
const headerVector = 16;
const headerVectorLength = 24;
const headerLength = 56;

/** Where a message's address and bytes are in memory. */
export type Place = { readonly name: bigint; readonly data: bigint };

/** An array of `mmsghdr`, each with one `iovec`. */
export class MessageHeaders {
  readonly headers: Uint8Array<ArrayBuffer>;
  readonly #header: DataView;
  readonly #vectors: Uint8Array<ArrayBuffer>;
  readonly #vector: DataView;

  /** @param nameSize bytes of each address */
  constructor(count: number, readonly nameSize: number) {
    this.headers = pinned(count * headerSize);
    this.#header = new DataView(this.headers.buffer);
    this.#vectors = pinned(count * vectorSize);
    this.#vector = new DataView(this.#vectors.buffer);
    for (let index = 0; index < count; index++) {
      const at = index * headerSize;
      this.#header.setUint32(at + headerNameLength, this.nameSize, true);
      this.#header.setBigUint64(at + headerVector, addressOf(this.#vectors) + BigInt(index * vectorSize), true);
      this.#header.setBigUint64(at + headerVectorLength, 1n, true);
    }
  }

  set(index: number, place: Place, length: number): void {
    this.#header.setBigUint64(index * headerSize + headerName, place.name, true);
    this.#vector.setBigUint64(index * vectorSize, place.data, true);
    this.#vector.setUint32(index * vectorSize + 8, length, true);
  }

  /** The kernel writes the length of a sender's address over the room there is for it. */
  resetNames(count: number): void {
    for (let index = 0; index < count; index++) {
      this.#header.setUint32(index * headerSize + headerNameLength, this.nameSize, true);
    }
  }

  /** How many bytes the kernel received. */
  length(index: number): number {
    return this.#header.getUint32(index * headerSize + headerLength, true);
  }

  headersFrom(index: number): Uint8Array<ArrayBuffer> {
    return index === 0 ? this.headers : this.headers.subarray(index * headerSize);
  }
}
