/** Permanent neighbour (ARP) entries by rtnetlink(7), many with one system call: a gateway sets one with every lease. */

import type { Ipv4 } from "../addr/ipv4.ts";
import type { Mac } from "../addr/mac.ts";
import { AF_INET, AF_NETLINK, libc, MSG_DONTWAIT, pinned, SOCK_CLOEXEC, SOCK_RAW } from "./libc.ts";
import { existingIndex } from "./interface_index.ts";
import { NETLINK_ROUTE, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST, refuse } from "./netlink.ts";
import { decodeMessages, encodeMessage } from "./netlink_message.ts";
import { NDA, permanent, RTM, sizes } from "./rtnetlink.ts";
import { check } from "./socket_error.ts";

const addressOffset = 16 + sizes.neighbor + 4;
const macOffset = addressOffset + 4 + 4;
const capacity = 64;

/** The neighbours on one device. */
export class NeighborTable implements Disposable {
  readonly #fd: number;
  readonly #messageSize: number;
  readonly #messages: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #kernel = new Uint8Array(12);
  readonly #answer = new Uint8Array(8192);
  #count = 0;
  #closed = false;

  /** @throws {SocketError} there is no such device (`ENODEV`) */
  constructor(readonly device: string) {
    const index = existingIndex(device);
    const message = setNeighborMessage(index);
    this.#messageSize = message.length;
    this.#messages = pinned(capacity * message.length);
    for (let at = 0; at < capacity; at++) this.#messages.set(message, at * message.length);
    this.#view = new DataView(this.#messages.buffer);
    this.#kernel[0] = AF_NETLINK;
    this.#fd = check("socket(AF_NETLINK)", libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  }

  /** With the next {@link flush}, which comes by itself after 64 of them, `address` is at `mac`, whatever was known of it. */
  set(address: Ipv4, mac: Mac): void {
    if (this.#count === capacity) this.flush();
    const at = this.#messageSize * this.#count++;
    this.#view.setUint32(at + addressOffset, address);
    this.#messages.set(mac, at + macOffset);
  }

  /**
   * @throws {MissingCapabilityError} without NET_ADMIN
   * @throws {SocketError} the device is gone (`ENODEV`), or the kernel's table is full (`ENOBUFS`)
   */
  flush(): void {
    if (this.#count === 0) return;
    const what = `setting neighbours on ${this.device}`;
    const length = this.#messageSize * this.#count;
    this.#count = 0;
    check(what, libc.sendto(this.#fd, this.#messages, BigInt(length), 0, this.#kernel, this.#kernel.length));
    // The kernel has done it all by now; it answers to what it refused alone.
    let refused: Uint8Array | undefined;
    for (;;) {
      const size = libc.recv(this.#fd, this.#answer, BigInt(this.#answer.length), MSG_DONTWAIT);
      if (size < 0) break;
      refused ??= this.#answer.slice(0, size);
    }
    if (refused !== undefined) decodeMessages(refused).forEach((message) => refuse(what, message));
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    libc.close(this.#fd);
  }
}

function setNeighborMessage(index: number): Uint8Array {
  const fixed = new Uint8Array(sizes.neighbor);
  const view = new DataView(fixed.buffer);
  view.setUint8(0, AF_INET);
  view.setInt32(4, index, true);
  view.setUint16(8, permanent, true);
  const flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE;
  return encodeMessage({ type: RTM.newNeighbor, flags, sequence: 0 }, fixed, [
    { type: NDA.destination, value: new Uint8Array(4) },
    { type: NDA.hardware, value: new Uint8Array(6) },
  ]);
}
