/** Tells when somebody changes links, addresses, routes or the firewall: netlink(7)'s multicast groups. */

import { AF_NETLINK, errno, libc, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW } from "./libc.ts";
import { decodeMessages, findAttribute, type Message } from "./netlink_message.ts";
import { reactor } from "./reactor.ts";
import { check, SocketError } from "./socket_error.ts";

/**
 * What has changed; ours and others' changes are told alike, but for the firewall: `restored` is what some
 * `iptables-restore` changed, as ours does.
 */
export type KernelChange = "link" | "address" | "route" | "firewall" | "restored";

/** linux/netlink.h, linux/rtnetlink.h, linux/netfilter/nfnetlink.h. */
const NETLINK_ROUTE = 0;
const NETLINK_NETFILTER = 12;
const RTMGRP_LINK = 0x1;
const RTMGRP_IPV4_IFADDR = 0x10;
const RTMGRP_IPV4_ROUTE = 0x40;
const RTMGRP_IPV6_ROUTE = 0x400;
/** The group's number is 7. */
const nftablesGroup = 1 << 6;
/** linux/netfilter/nf_tables.h: ends each transaction, with the name of the program that made it. */
const NFT_MSG_NEWGEN = 10 << 8 | 15;
const NFTA_GEN_PROC_NAME = 3;
const nfgenmsgSize = 4;
const EINTR = 4;
const EAGAIN = 11;
const ENOBUFS = 105;

/** `RTM_NEW...` and `RTM_DEL...`. */
const networkKinds: ReadonlyMap<number, KernelChange> = new Map([
  [16, "link"],
  [17, "link"],
  [20, "address"],
  [21, "address"],
  [24, "route"],
  [25, "route"],
]);

type Source = {
  readonly protocol: number;
  readonly groups: number;
  /** All that it tells of. */
  readonly kinds: readonly KernelChange[];
  kindOf(message: Message): KernelChange | undefined;
};

const sources = {
  network: {
    protocol: NETLINK_ROUTE,
    groups: RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
    kinds: ["link", "address", "route"],
    kindOf: ({ type }) => networkKinds.get(type),
  },
  // What iptables-legacy changes is told to nobody.
  firewall: {
    protocol: NETLINK_NETFILTER,
    groups: nftablesGroup,
    kinds: ["firewall"],
    kindOf: ({ type, payload }) => {
      if (type !== NFT_MSG_NEWGEN) return undefined;
      const name = findAttribute(payload.subarray(nfgenmsgSize), [NFTA_GEN_PROC_NAME]) ?? new Uint8Array();
      // A name is cut at 15 bytes.
      return /^ip6?tables-(nft-)?r/.test(new TextDecoder().decode(name)) ? "restored" : "firewall";
    },
  },
} as const satisfies Record<string, Source>;

export class KernelMonitor implements Disposable {
  readonly #buffer = new Uint8Array(8192);
  readonly #source: Source;
  #closed = false;

  private constructor(readonly fd: number, source: Source) {
    this.#source = source;
    reactor.add(fd);
  }

  /** Sees what happens from now on. `firewall` needs NET_ADMIN. */
  static open(what: keyof typeof sources): KernelMonitor {
    const source = sources[what];
    const type = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const fd = check("socket(AF_NETLINK)", libc.socket(AF_NETLINK, type, source.protocol));
    const groups = new Uint8Array(12);
    const view = new DataView(groups.buffer);
    view.setUint16(0, AF_NETLINK, true);
    view.setUint32(8, source.groups, true);
    try {
      check("listening to netlink", libc.bind(fd, groups, groups.length));
    } catch (error) {
      libc.close(fd);
      throw error;
    }
    return new KernelMonitor(fd, source);
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
        if (number !== ENOBUFS) throw new SocketError("listening to netlink", number);
        // More happened than the kernel could keep for us: it may have been anything.
        for (const kind of this.#source.kinds) changes.add(kind);
      }
      for (const message of decodeMessages(this.#buffer.subarray(0, Math.max(0, length)))) {
        const kind = this.#source.kindOf(message);
        if (kind !== undefined) changes.add(kind);
      }
    }
  }
}
