/** Receives and answers many datagrams with one system call each, in memory that is laid out once. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { addressOf, libc, MSG_DONTWAIT, pinned } from "./libc.ts";
import { MessageHeaders, type Place } from "./message_headers.ts";
import { socketAddressSize } from "./socket_address.ts";

/**
 * The datagrams of one `recvmmsg`, and the replies of one `sendmmsg`. A request and its reply share memory: what
 * {@link buffer} gives is read, written over, and sent back by {@link reply} without a copy.
 */
export class DatagramBatch {
  /** How many datagrams the last {@link receive} brought. */
  count = 0;
  #replies = 0;
  readonly #buffers: readonly Uint8Array<ArrayBuffer>[];
  readonly #places: readonly Place[];
  readonly #names: Uint8Array<ArrayBuffer>;
  readonly #name: DataView;
  readonly #received: MessageHeaders;
  readonly #sent: MessageHeaders;

  /** @param capacity datagrams @param maxSize bytes of each, longer ones are cut */
  constructor(readonly capacity: number, readonly maxSize: number) {
    const data = pinned(capacity * maxSize);
    this.#names = pinned(capacity * socketAddressSize);
    this.#name = new DataView(this.#names.buffer);
    const slots = Array.from({ length: capacity }, (_, index) => index);
    this.#buffers = slots.map((index) => data.subarray(index * maxSize, (index + 1) * maxSize));
    this.#places = slots.map((index) => ({
      name: addressOf(this.#names) + BigInt(index * socketAddressSize),
      data: addressOf(data) + BigInt(index * maxSize),
    }));
    this.#received = new MessageHeaders(capacity, socketAddressSize);
    this.#sent = new MessageHeaders(capacity, socketAddressSize);
    for (const index of slots) this.#received.set(index, this.#places[index]!, maxSize);
  }

  /** The datagram with the number `index`: a view that the next receive overwrites. */
  bytes(index: number): Uint8Array<ArrayBuffer> {
    return this.buffer(index).subarray(0, this.length(index));
  }

  /** Bytes of the datagram with the number `index`. */
  length(index: number): number {
    return this.#received.length(index);
  }

  /** The memory of the datagram with the number `index`, `maxSize` bytes. */
  buffer(index: number): Uint8Array<ArrayBuffer> {
    return this.#buffers[index]!;
  }

  /** Who sent it. */
  address(index: number): Ipv4 {
    return this.#name.getUint32(index * socketAddressSize + 4);
  }

  port(index: number): number {
    return this.#name.getUint16(index * socketAddressSize + 2);
  }

  /** Has the first `length` bytes of `buffer(index)` go back to the sender with the next {@link send}. */
  reply(index: number, length: number): void {
    this.#sent.set(this.#replies++, this.#places[index]!, length);
  }

  /** Takes up to `limit` datagrams that have arrived. The result is that of recvmmsg(2). */
  receive(fd: number, limit: number): number {
    this.#replies = 0;
    this.#received.resetNames(limit);
    const count = libc.recvmmsg(fd, this.#received.headers, limit, MSG_DONTWAIT, null);
    this.count = Math.max(0, count);
    return count;
  }

  /** Sends the replies and forgets them. A reply that the kernel refuses is lost, as datagrams are. How many went out. */
  send(fd: number): number {
    let sent = 0;
    for (let next = 0; next < this.#replies;) {
      const count = libc.sendmmsg(fd, this.#sent.headersFrom(next), this.#replies - next, MSG_DONTWAIT);
      sent += Math.max(0, count);
      next += Math.max(1, count);
    }
    this.#replies = 0;
    return sent;
  }
}
