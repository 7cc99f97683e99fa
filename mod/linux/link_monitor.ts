/** Tells when somebody changes links, addresses or routes: rtnetlink(7)'s multicast groups. */

import { AF_NETLINK, errno, libc, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW } from "./libc.ts";
import { decodeMessages } from "./netlink_message.ts";
import { reactor } from "./reactor.ts";
import { check, SocketError } from "./socket_error.ts";

/** What has changed; ours and others' changes are told alike. */
export type KernelChange = "link" | "address" | "route";

/** linux/netlink.h, linux/rtnetlink.h. */
const NETLINK_ROUTE = 0;
const RTMGRP_LINK = 0x1;
const RTMGRP_IPV4_IFADDR = 0x10;
const RTMGRP_IPV4_ROUTE = 0x40;
const RTMGRP_IPV6_ROUTE = 0x400;
const EINTR = 4;
const EAGAIN = 11;
const ENOBUFS = 105;

/** `RTM_NEW...` and `RTM_DEL...`. */
const kinds: ReadonlyMap<number, KernelChange> = new Map([
  [16, "link"],
  [17, "link"],
  [20, "address"],
  [21, "address"],
  [24, "route"],
  [25, "route"],
]);

export class LinkMonitor implements Disposable {
  readonly #buffer = new Uint8Array(8192);
  #closed = false;

  private constructor(readonly fd: number) {
    reactor.add(fd);
  }

  /** Sees what happens from now on. */
  static open(): LinkMonitor {
    const type = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const fd = check("socket(AF_NETLINK)", libc.socket(AF_NETLINK, type, NETLINK_ROUTE));
    const groups = new Uint8Array(12);
    const view = new DataView(groups.buffer);
    view.setUint16(0, AF_NETLINK, true);
    view.setUint32(8, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE, true);
    try {
      check("listening to rtnetlink", libc.bind(fd, groups, groups.length));
    } catch (error) {
      libc.close(fd);
      throw error;
    }
    return new LinkMonitor(fd);
  }

  /** What has changed since the last call, as soon as anything has; `undefined` once closed. One call at a time. */
  async next(): Promise<ReadonlySet<KernelChange> | undefined> {
    while (!this.#closed) {
      const changes = this.#drain();
      if (changes.size > 0) return changes;
      await reactor.readable(this.fd);
    }
    return undefined;
  }

  /** Ends a pending `next` at once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    reactor.remove(this.fd);
    libc.close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #drain(): Set<KernelChange> {
    const changes = new Set<KernelChange>();
    for (;;) {
      const length = libc.recv(this.fd, this.#buffer, BigInt(this.#buffer.length), 0);
      if (length < 0) {
        const number = errno();
        if (number === EAGAIN || number === EINTR) return changes;
        if (number !== ENOBUFS) throw new SocketError("listening to rtnetlink", number);
        // More happened than the kernel could keep for us: it may have been anything.
        for (const kind of kinds.values()) changes.add(kind);
      }
      for (const { type } of decodeMessages(this.#buffer.subarray(0, Math.max(0, length)))) {
        const kind = kinds.get(type);
        if (kind !== undefined) changes.add(kind);
      }
    }
  }
}
