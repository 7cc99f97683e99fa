/** Permanent neighbour (ARP) entries by rtnetlink(7), one system call each: a gateway sets one with every lease. */

import { toOctets } from "../addr/ipv4.ts";
import type { Neighbor } from "../netstate/state.ts";
import { AF_INET, cString, libc } from "./libc.ts";
import { NLM_F_ACK, NLM_F_REQUEST, request } from "./netlink.ts";
import { check } from "./socket_error.ts";

/** linux/netlink.h, linux/rtnetlink.h, linux/neighbour.h. */
const NLM_F_REPLACE = 0x100;
const NLM_F_CREATE = 0x400;
const RTM_NEWNEIGH = 28;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NUD_PERMANENT = 0x80;
const ndmsgSize = 12;

/**
 * Sets where `address` is on `device`, whatever was known of it.
 *
 * @throws {MissingCapabilityError} without NET_ADMIN
 * @throws {SocketError} there is no such device (`ENODEV`)
 */
export function setNeighbor({ device, address, mac }: Neighbor): void {
  const index = libc.if_nametoindex(cString(device));
  check(`finding ${device}`, index === 0 ? -1 : index);
  const fixed = new Uint8Array(ndmsgSize);
  const view = new DataView(fixed.buffer);
  view.setUint8(0, AF_INET);
  view.setInt32(4, index, true);
  view.setUint16(8, NUD_PERMANENT, true);
  const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
  request(`setting a neighbour on ${device}`, RTM_NEWNEIGH, flags, [
    { type: NDA_DST, value: Uint8Array.from(toOctets(address)) },
    { type: NDA_LLADDR, value: mac },
  ], fixed);
}
