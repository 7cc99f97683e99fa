/** Tells when somebody changes links, addresses, routes or the firewall: netlink(7)'s multicast groups. */

import { NETLINK_NETFILTER, NETLINK_ROUTE, nfgenmsgSize } from "./netlink.ts";
import { NetlinkListener } from "./netlink_listener.ts";
import { findAttribute, type Message } from "./netlink_message.ts";

/**
 * What has changed; ours and others' changes are told alike, but for the firewall: `restored` is what some
 * `iptables-restore` changed, as ours does.
 */
export type KernelChange = "link" | "address" | "route" | "firewall" | "restored";

/** linux/rtnetlink.h, linux/netfilter/nfnetlink.h. */
const RTMGRP_LINK = 0x1;
const RTMGRP_IPV4_IFADDR = 0x10;
const RTMGRP_IPV4_ROUTE = 0x40;
const RTMGRP_IPV6_ROUTE = 0x400;
/** The group's number is 7. */
const nftablesGroup = 1 << 6;
/** linux/netfilter/nf_tables.h: ends each transaction, with the name of the program that made it. */
const NFT_MSG_NEWGEN = 10 << 8 | 15;
const NFTA_GEN_PROC_NAME = 3;

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
  private constructor(readonly listener: NetlinkListener, readonly source: Source) {}

  /** Sees what happens from now on. `firewall` needs NET_ADMIN. */
  static open(what: keyof typeof sources): KernelMonitor {
    return new KernelMonitor(NetlinkListener.open(sources[what]), sources[what]);
  }

  /** What has changed since the last call, as soon as anything has; `undefined` once closed. One call at a time. */
  async next(): Promise<ReadonlySet<KernelChange> | undefined> {
    for (let heard = await this.listener.next(); heard !== undefined; heard = await this.listener.next()) {
      const kinds = heard.messages.flatMap((message) => this.source.kindOf(message) ?? []);
      // What was lost may have been anything.
      const changes = new Set(heard.lost ? [...kinds, ...this.source.kinds] : kinds);
      if (changes.size > 0) return changes;
    }
    return undefined;
  }

  /** Ends a pending `next` at once. */
  close(): void {
    this.listener.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
