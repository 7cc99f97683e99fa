/** The kernel's memory of connections (conntrack), by ctnetlink. */

import { Netlink, NETLINK_NETFILTER, nfgenmsgSize } from "./netlink.ts";

/** linux/netfilter/nfnetlink.h, linux/netfilter/nfnetlink_conntrack.h. */
const NFNL_SUBSYS_CTNETLINK = 1;
const IPCTNL_MSG_CT_DELETE = 2;

/**
 * Forgets every connection of this network namespace, with the addresses that it was translated to.
 *
 * @throws {MissingCapabilityError} without NET_ADMIN
 * @throws {SocketError} the kernel has no ctnetlink
 */
export async function forgetConnections(): Promise<void> {
  using netlink = new Netlink(NETLINK_NETFILTER);
  await netlink.change({
    operation: "forgetting connections",
    type: NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
    fixed: new Uint8Array(nfgenmsgSize),
  });
}
