/** Sends many messages, each to an address of its own, with one system call. */

import { addressOf, errno, libc, MSG_DONTWAIT, pinned } from "./libc.ts";
import { MessageHeaders, type Place } from "./message_headers.ts";
import { SocketError } from "./socket_error.ts";

/** Messages that wait to be sent: copies, in memory that is laid out once. */
export class OutgoingBatch {
  #count = 0;
  readonly #names: Uint8Array<ArrayBuffer>;
  readonly #data: Uint8Array<ArrayBuffer>;
  readonly #places: readonly Place[];
  readonly #headers: MessageHeaders;

  /** @param maxSize bytes of a message @param nameSize bytes of an address, `sockaddr_in` or `sockaddr_ll` */
  constructor(readonly capacity: number, readonly maxSize: number, readonly nameSize: number) {
    this.#names = pinned(capacity * nameSize);
    this.#data = pinned(capacity * maxSize);
    const [names, data] = [addressOf(this.#names), addressOf(this.#data)];
    this.#places = Array.from({ length: capacity }, (_, index) => ({
      name: names + BigInt(index * nameSize),
      data: data + BigInt(index * maxSize),
    }));
    this.#headers = new MessageHeaders(capacity, nameSize);
  }

  get isFull(): boolean {
    return this.#count === this.capacity;
  }

  /** There must be room: see {@link isFull}. `bytes` are `maxSize` at most. */
  add(name: Uint8Array, bytes: Uint8Array): void {
    const index = this.#count++;
    this.#names.set(name, index * this.nameSize);
    this.#data.set(bytes, index * this.maxSize);
    this.#headers.set(index, this.#places[index]!, bytes.length);
  }

  /**
   * Sends all and forgets them.
   *
   * @throws {SocketError} with the first reason, when the kernel refused some of them; the others went out
   */
  send(fd: number): void {
    let refused = 0;
    let reason = 0;
    for (let next = 0; next < this.#count;) {
      const sent = libc.sendmmsg(fd, this.#headers.headersFrom(next), this.#count - next, MSG_DONTWAIT);
      if (sent <= 0 && refused++ === 0) reason = errno();
      next += Math.max(1, sent);
    }
    const count = this.#count;
    this.#count = 0;
    if (refused > 0) throw new SocketError(`sending ${count === 1 ? "" : `${refused} of ${count} `}messages`, reason);
  }
}
