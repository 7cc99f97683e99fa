/** Single entries of the kernel's ARP table: made and read. */

import { fromOctets, type Ipv4, toOctets } from "../addr/ipv4.ts";
import type { Mac } from "../addr/mac.ts";
import { existingIndex } from "./interface_index.ts";
import { AF_INET } from "./libc.ts";
import { askAtOnce, NLM_F_ACK, NLM_F_CREATE } from "./netlink.ts";
import { findAttribute, type Message } from "./netlink_message.ts";
import { NDA, RTM, sizes } from "./rtnetlink.ts";
import { SocketError } from "./socket_error.ts";

/** linux/neighbour.h. */
const NTF_EXT_LEARNED = 0x10;

/**
 * Has the kernel keep an entry for `address` on `device`, in which it notes who says by ARP that he has it. It knows of
 * nobody yet, and does not ask.
 *
 * @throws {MissingCapabilityError} without NET_ADMIN
 * @throws {SocketError} there is no such device (`ENODEV`)
 */
export function awaitNeighbor(device: string, address: Ipv4): void {
  const operation = `watching an address on ${device}`;
  const index = existingIndex(device);
  try {
    askAtOnce({ operation, type: RTM.deleteNeighbor, flags: NLM_F_ACK, ...encode(index, address, 0) });
  } catch (error) {
    if (!(error instanceof SocketError) || error.code !== "ENOENT") throw error;
  }
  // An entry that somebody else looks after is not thrown away when there are many.
  const awaited = encode(index, address, NTF_EXT_LEARNED);
  askAtOnce({ operation, type: RTM.newNeighbor, flags: NLM_F_ACK | NLM_F_CREATE, ...awaited });
}

/** What the kernel tells of an ARP entry that has a hardware address. `index`: the number of its device. */
export function decodeNeighbor(
  { type, payload }: Message,
): { readonly index: number; readonly address: Ipv4; readonly mac: Mac } | undefined {
  if (type !== RTM.newNeighbor || payload.length < sizes.neighbor || payload[0] !== AF_INET) return undefined;
  const attributes = payload.subarray(sizes.neighbor);
  const [address, mac] = [NDA.destination, NDA.hardware].map((attribute) => findAttribute(attributes, [attribute]));
  if (address?.length !== 4 || mac?.length !== 6) return undefined;
  const index = new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getInt32(4, true);
  return { index, address: fromOctets(address), mac: mac.slice() };
}

/** An entry of nobody's (NUD_NONE). */
function encode(index: number, address: Ipv4, flags: number) {
  const fixed = new Uint8Array(sizes.neighbor);
  const view = new DataView(fixed.buffer);
  view.setUint8(0, AF_INET);
  view.setInt32(4, index, true);
  view.setUint8(10, flags);
  return { fixed, attributes: [{ type: NDA.destination, value: Uint8Array.from(toOctets(address)) }] };
}
