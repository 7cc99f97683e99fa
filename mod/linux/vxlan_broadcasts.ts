/** Where a VXLAN device sends what is broadcast (FDB): a client sets it while it moves. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { broadcastMac } from "../addr/mac.ts";
import { addNeighbor, removeNeighbor } from "./neighbor.ts";
import type { Netlink } from "./netlink.ts";
import { AF_BRIDGE, NTF_SELF, NUD_NOARP, permanent } from "./rtnetlink.ts";

/**
 * Sets the VTEP that a VXLAN device sends broadcast frames to; `undefined`: the one that it sends all others to.
 *
 * @throws {MissingCapabilityError} without NET_ADMIN
 * @throws {SocketError} there is no such device (`ENODEV`)
 */
export async function setBroadcasts(netlink: Netlink, device: string, end: Ipv4 | undefined): Promise<void> {
  const operation = `leading broadcasts on ${device}`;
  const entry = { device, family: AF_BRIDGE, mac: broadcastMac, state: permanent | NUD_NOARP, flags: NTF_SELF };
  // An entry for a group of receivers is added to, never replaced.
  await removeNeighbor(netlink, operation, entry);
  if (end !== undefined) await addNeighbor(netlink, operation, { ...entry, address: end });
}
