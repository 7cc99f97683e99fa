/** Where a VXLAN device sends what is broadcast (FDB), by rtnetlink(7): a client sets it while it moves. */

import { type Ipv4, toOctets } from "../addr/ipv4.ts";
import { existingIndex } from "./interface_index.ts";
import { type Netlink, NLM_F_CREATE, type Request } from "./netlink.ts";
import { NDA, permanent, RTM, sizes } from "./rtnetlink.ts";
import { SocketError } from "./socket_error.ts";

/** linux/socket.h, linux/neighbour.h. */
const AF_BRIDGE = 7;
const NTF_SELF = 0x02;
const NUD_NOARP = 0x40;

/**
 * Sets the VTEP that a VXLAN device sends broadcast frames to; `undefined`: the one that it sends all others to.
 *
 * @throws {MissingCapabilityError} without NET_ADMIN
 * @throws {SocketError} there is no such device (`ENODEV`)
 */
export async function setBroadcasts(netlink: Netlink, device: string, end: Ipv4 | undefined): Promise<void> {
  const fixed = new Uint8Array(sizes.neighbor);
  const view = new DataView(fixed.buffer);
  view.setUint8(0, AF_BRIDGE);
  view.setInt32(4, existingIndex(device), true);
  view.setUint16(8, permanent | NUD_NOARP, true);
  view.setUint8(10, NTF_SELF);
  const everyone = { type: NDA.hardware, value: new Uint8Array(6).fill(0xff) };
  const request = (type: number): Request => ({
    operation: `leading broadcasts on ${device}`,
    type,
    fixed,
    attributes: [everyone],
  });
  try {
    // An entry for a group of receivers is added to, never replaced.
    await netlink.change(request(RTM.deleteNeighbor));
  } catch (error) {
    if (!(error instanceof SocketError) || error.code !== "ENOENT") throw error;
  }
  if (end === undefined) return;
  const destination = { type: NDA.destination, value: Uint8Array.from(toOctets(end)) };
  await netlink.change({
    ...request(RTM.newNeighbor),
    flags: NLM_F_CREATE,
    attributes: [destination, everyone],
  });
}
