/** Single entries of the kernel's neighbour tables, ARP and FDB: made, removed, read. */

import { fromOctets, type Ipv4, toOctets } from "../addr/ipv4.ts";
import type { Mac } from "../addr/mac.ts";
import { existingIndex } from "./interface_index.ts";
import { AF_INET } from "./libc.ts";
import { askAtOnce, type Netlink, NLM_F_ACK, NLM_F_CREATE } from "./netlink.ts";
import { type Attribute, findAttribute, type Message } from "./netlink_message.ts";
import { NDA, RTM, sizes } from "./rtnetlink.ts";
import { SocketError } from "./socket_error.ts";

/** linux/neighbour.h. */
const NTF_USE = 0x01;
const NTF_EXT_LEARNED = 0x10;
const NUD_NONE = 0;

/** An entry: of `address` in the ARP table, of `mac` in a VXLAN device's FDB, with the VTEP `address`. */
export type NeighborEntry = {
  readonly device: string;
  readonly family: number;
  readonly address?: Ipv4;
  readonly mac?: Mac;
  /** `NUD_...` */
  readonly state: number;
  /** `NTF_...` */
  readonly flags: number;
};

/**
 * @throws {MissingCapabilityError} without NET_ADMIN
 * @throws {SocketError} there is no such device (`ENODEV`)
 */
export async function addNeighbor(netlink: Netlink, operation: string, entry: NeighborEntry): Promise<void> {
  await netlink.change({ operation, type: RTM.newNeighbor, flags: NLM_F_CREATE, ...encode(entry) });
}

/** There may be none. Throws as {@link addNeighbor} does. */
export async function removeNeighbor(netlink: Netlink, operation: string, entry: NeighborEntry): Promise<void> {
  try {
    await netlink.change({ operation, type: RTM.deleteNeighbor, ...encode(entry) });
  } catch (error) {
    ignoreAbsence(error);
  }
}

/**
 * Asks who has `address` on `device`: the kernel sends an ARP request, and keeps an entry in which it notes the answer and
 * whatever comes later. The request is on its way when this returns. Throws as {@link addNeighbor} does.
 */
export function askNeighbor(device: string, address: Ipv4): void {
  const operation = `asking on ${device}`;
  const entry = { device, family: AF_INET, address, state: NUD_NONE };
  // What is known already is not asked for.
  try {
    const forgotten = encode({ ...entry, flags: 0 });
    askAtOnce({ operation, type: RTM.deleteNeighbor, flags: NLM_F_ACK, ...forgotten });
  } catch (error) {
    ignoreAbsence(error);
  }
  // An entry that somebody else looks after is not thrown away when there are many.
  const asked = encode({ ...entry, flags: NTF_USE | NTF_EXT_LEARNED });
  askAtOnce({ operation, type: RTM.newNeighbor, flags: NLM_F_ACK | NLM_F_CREATE, ...asked });
}

function ignoreAbsence(error: unknown): void {
  if (!(error instanceof SocketError) || error.code !== "ENOENT") throw error;
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

function encode({ device, family, address, mac, state, flags }: NeighborEntry) {
  const fixed = new Uint8Array(sizes.neighbor);
  const view = new DataView(fixed.buffer);
  view.setUint8(0, family);
  view.setInt32(4, existingIndex(device), true);
  view.setUint16(8, state, true);
  view.setUint8(10, flags);
  const attributes: Attribute[] = [
    ...(address === undefined ? [] : [{ type: NDA.destination, value: Uint8Array.from(toOctets(address)) }]),
    ...(mac === undefined ? [] : [{ type: NDA.hardware, value: mac }]),
  ];
  return { fixed, attributes };
}
