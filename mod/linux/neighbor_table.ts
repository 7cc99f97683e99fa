/**
 * Permanent neighbour (ARP) and forwarding (FDB) entries by rtnetlink(7), many with one system call: a gateway sets them
 * with every lease.
 */

import type { Ipv4 } from "../addr/ipv4.ts";
import type { Mac } from "../addr/mac.ts";
import { AF_INET, AF_NETLINK, libc, MSG_DONTWAIT, pinned, SOCK_CLOEXEC, SOCK_RAW } from "./libc.ts";
import { existingIndex } from "./interface_index.ts";
import { askAtOnce, NETLINK_ROUTE, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST, refuse } from "./netlink.ts";
import { decodeMessages, encodeMessage, findAttribute } from "./netlink_message.ts";
import { AF_BRIDGE, NDA, NTF_SELF, NUD_NOARP, permanent, RTM, sizes } from "./rtnetlink.ts";
import { check, SocketError } from "./socket_error.ts";

const addressOffset = 16 + sizes.neighbor + 4;
const macOffset = addressOffset + 4 + 4;
const capacity = 64;

/** The neighbours on one VXLAN device. */
export class NeighborTable implements Disposable {
  readonly #fd: number;
  readonly #index: number;
  readonly #templates: Readonly<Record<"neighbor" | "pin" | "unpin", Uint8Array>>;
  readonly #messageSize: number;
  readonly #messages: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #kernel = new Uint8Array(12);
  readonly #answer = new Uint8Array(8192);
  #count = 0;
  #closed = false;

  /** @throws {SocketError} there is no such device (`ENODEV`) */
  constructor(readonly device: string) {
    this.#index = existingIndex(device);
    const create = NLM_F_CREATE | NLM_F_REPLACE;
    this.#templates = {
      neighbor: message(RTM.newNeighbor, create, neighborHeader(AF_INET, this.#index)),
      pin: message(RTM.newNeighbor, create, neighborHeader(AF_BRIDGE, this.#index)),
      unpin: message(RTM.deleteNeighbor, 0, neighborHeader(AF_BRIDGE, this.#index)),
    };
    this.#messageSize = this.#templates.neighbor.length;
    this.#messages = pinned(capacity * this.#messageSize);
    this.#view = new DataView(this.#messages.buffer);
    this.#kernel[0] = AF_NETLINK;
    this.#fd = check("socket(AF_NETLINK)", libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  }

  /** With the next {@link flush}, which comes by itself after 64 of them, `address` is at `mac`, whatever was known of it. */
  set(address: Ipv4, mac: Mac): void {
    this.#add(this.#templates.neighbor, address, mac);
  }

  /**
   * With the next {@link flush}, frames for `mac` are sent to the VTEP `end`, and such that come from it with another VTEP
   * as their source are dropped.
   */
  pin(mac: Mac, end: Ipv4): void {
    this.#add(this.#templates.pin, end, mac);
  }

  /** With the next {@link flush}, whoever sends frames from `mac` gets those for it. */
  unpin(mac: Mac, end: Ipv4): void {
    this.#add(this.#templates.unpin, end, mac);
  }

  /** The VTEP that frames for `mac` are sent to, set or learned; `undefined`: it is not known. */
  endOf(mac: Mac): Ipv4 | undefined {
    try {
      const { payload } = askAtOnce({
        operation: `asking where frames on ${this.device} go`,
        type: RTM.getNeighbor,
        fixed: neighborHeader(AF_BRIDGE, this.#index, 0),
        attributes: [{ type: NDA.hardware, value: mac }],
      });
      const end = findAttribute(payload.subarray(sizes.neighbor), [NDA.destination]);
      return end?.length === 4 ? new DataView(end.buffer, end.byteOffset).getUint32(0) : undefined;
    } catch (error) {
      if (error instanceof SocketError) return undefined;
      throw error;
    }
  }

  #add(template: Uint8Array, address: Ipv4, mac: Mac): void {
    if (this.#count === capacity) this.flush();
    const at = this.#messageSize * this.#count++;
    this.#messages.set(template, at);
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

function neighborHeader(
  family: number,
  index: number,
  state = family === AF_BRIDGE ? permanent | NUD_NOARP : permanent,
): Uint8Array {
  const fixed = new Uint8Array(sizes.neighbor);
  const view = new DataView(fixed.buffer);
  view.setUint8(0, family);
  view.setInt32(4, index, true);
  view.setUint16(8, state, true);
  view.setUint8(10, family === AF_BRIDGE ? NTF_SELF : 0);
  return fixed;
}

function message(type: number, flags: number, fixed: Uint8Array): Uint8Array {
  return encodeMessage({ type, flags: NLM_F_REQUEST | flags, sequence: 0 }, fixed, [
    { type: NDA.destination, value: new Uint8Array(4) },
    { type: NDA.hardware, value: new Uint8Array(6) },
  ]);
}
