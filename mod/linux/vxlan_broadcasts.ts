/** Where a VXLAN device sends what is broadcast (FDB), by rtnetlink(7): a client sets it while it moves. */

import { type Ipv4, toOctets } from "../addr/ipv4.ts";
import { interfaceIndex, NLM_F_ACK, NLM_F_REQUEST, request } from "./netlink.ts";
import { check, SocketError } from "./socket_error.ts";

/** linux/netlink.h, linux/rtnetlink.h, linux/neighbour.h. */
const NLM_F_CREATE = 0x400;
const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const AF_BRIDGE = 7;
const NTF_SELF = 0x02;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NUD_NOARP = 0x40;
const NUD_PERMANENT = 0x80;
const ndmsgSize = 12;

/**
 * Sets the VTEP that a VXLAN device sends broadcast frames to; `undefined`: the one that it sends all others to.
 *
 * @throws {MissingCapabilityError} without NET_ADMIN
 * @throws {SocketError} there is no such device (`ENODEV`)
 */
export function setBroadcasts(device: string, end: Ipv4 | undefined): void {
  const what = `leading broadcasts on ${device}`;
  const fixed = ndmsg({ family: AF_BRIDGE, device, state: NUD_PERMANENT | NUD_NOARP, flags: NTF_SELF });
  const everyone = { type: NDA_LLADDR, value: new Uint8Array(6).fill(0xff) };
  try {
    // An entry for a group of receivers is added to, never replaced.
    request(what, RTM_DELNEIGH, NLM_F_REQUEST | NLM_F_ACK, [everyone], fixed);
  } catch (error) {
    if (!(error instanceof SocketError) || error.code !== "ENOENT") throw error;
  }
  if (end === undefined) return;
  const destination = { type: NDA_DST, value: Uint8Array.from(toOctets(end)) };
  request(what, RTM_NEWNEIGH, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE, [destination, everyone], fixed);
}

/** `struct ndmsg`. */
function ndmsg(
  of: { readonly family: number; readonly device: string; readonly state: number; readonly flags: number },
) {
  const index = check(`finding ${of.device}`, interfaceIndex(of.device) ?? -1);
  const fixed = new Uint8Array(ndmsgSize);
  const view = new DataView(fixed.buffer);
  view.setUint8(0, of.family);
  view.setInt32(4, index, true);
  view.setUint16(8, of.state, true);
  view.setUint8(10, of.flags);
  return fixed;
}
