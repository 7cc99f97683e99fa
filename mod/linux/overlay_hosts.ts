/** Who is there on a VXLAN device, as its kernel has learned: addresses by ARP, hardware addresses by any frame. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { formatMac, type Mac } from "../addr/mac.ts";
import { existingIndex } from "./interface_index.ts";
import { AF_INET } from "./libc.ts";
import { decodeNeighbor } from "./neighbor.ts";
import { Netlink, NETLINK_ROUTE } from "./netlink.ts";
import { NetlinkListener } from "./netlink_listener.ts";
import { findAttribute, type Message } from "./netlink_message.ts";
import { AF_BRIDGE, NDA, NTF_SELF, permanent, RTM, RTMGRP_NEIGH, sizes } from "./rtnetlink.ts";
import { SocketError } from "./socket_error.ts";
import type { FilterInstruction } from "./socket_filter.ts";

/** linux/rtnetlink.h. */
const NDA_CACHEINFO = 3;
/** `ndm_used` and `ndm_updated` of `nda_cacheinfo` are in hundredths of a second (USER_HZ). */
const millisecondsPerTick = 10;

/** A host, as ARP has it. */
export type Host = { readonly address: Ipv4; readonly mac: Mac };

/** Of IPv4, and not permanent: those are ours, one with every lease. Offsets behind `nlmsghdr`, of `ndmsg`. */
const learnedByArp: readonly FilterInstruction[] = [
  [0x30, 0, 0, 16], // load the byte `ndm_family`
  [0x15, 0, 3, AF_INET], // is it IPv4?
  [0x30, 0, 0, 24], // load the low byte of `ndm_state`
  [0x45, 1, 0, permanent], // is it permanent?
  [0x06, 0, 0, 0xffffffff], // accept
  [0x06, 0, 0, 0], // drop
];

export class OverlayHosts implements Disposable {
  readonly #index: number;
  readonly #listener: NetlinkListener;

  /** @throws {SocketError} there is no such device (`ENODEV`) */
  constructor(readonly device: string) {
    this.#index = existingIndex(device);
    this.#listener = NetlinkListener.open({ protocol: NETLINK_ROUTE, groups: RTMGRP_NEIGH, filter: learnedByArp });
  }

  /** Those of whom a frame came in the last minutes, where ARP knows them, or a lease was given by this process or one before. */
  async known(): Promise<readonly Host[]> {
    using netlink = new Netlink();
    const dump = <T>(family: number, read: (message: Message) => T | undefined) => {
      const operation = `reading who is on ${this.device}`;
      return netlink.dumpAs({ operation, type: RTM.getNeighbor, fixed: this.#neighbor(family, 0) }, read);
    };
    const hosts = await dump(AF_INET, (message) => this.#host(message));
    if (hosts.length === 0) return [];
    const present = new Set(await dump(AF_BRIDGE, (message) => this.#hardware(message)));
    return hosts.filter(({ mac }) => present.has(formatMac(mac)));
  }

  /** Those that ARP has learned since the last call, as soon as there are any; `undefined` once closed. */
  async learned(): Promise<readonly Host[] | undefined> {
    const heard = await this.#listener.next();
    return heard?.messages.flatMap((message) => this.#host(message) ?? []);
  }

  /** How many milliseconds ago a frame came of each of `macs`; `undefined`: not within the last minutes. */
  async lastSeen(macs: readonly Mac[]): Promise<(number | undefined)[]> {
    using netlink = new Netlink();
    const ages: (number | undefined)[] = [];
    for (const mac of macs) ages.push(await this.#age(netlink, mac));
    return ages;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }

  async #age(netlink: Netlink, mac: Mac): Promise<number | undefined> {
    try {
      const { payload } = await netlink.ask({
        operation: `looking for a host on ${this.device}`,
        type: RTM.getNeighbor,
        fixed: this.#neighbor(AF_BRIDGE, NTF_SELF),
        attributes: [{ type: NDA.hardware, value: mac }],
      });
      const times = findAttribute(payload.subarray(sizes.neighbor), [NDA_CACHEINFO]);
      if (times === undefined) return undefined;
      const view = new DataView(times.buffer, times.byteOffset, times.byteLength);
      // Which of the two a received frame sets depends on the kernel's version.
      return millisecondsPerTick * Math.min(view.getUint32(4, true), view.getUint32(8, true));
    } catch (error) {
      // ENOENT: there is no such entry.
      if (error instanceof SocketError) return undefined;
      throw error;
    }
  }

  /** `ndmsg` */
  #neighbor(family: number, flags: number): Uint8Array<ArrayBuffer> {
    const fixed = new Uint8Array(sizes.neighbor);
    const view = new DataView(fixed.buffer);
    view.setUint8(0, family);
    view.setInt32(4, this.#index, true);
    view.setUint8(10, flags);
    return fixed;
  }

  /** The MAC address of an entry of the FDB, as text. */
  #hardware({ type, payload }: Message): string | undefined {
    if (type !== RTM.newNeighbor || payload.length < sizes.neighbor || payload[0] !== AF_BRIDGE) return undefined;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const mac = findAttribute(payload.subarray(sizes.neighbor), [NDA.hardware]);
    return mac !== undefined && view.getInt32(4, true) === this.#index ? formatMac(mac) : undefined;
  }

  #host(message: Message): Host | undefined {
    const neighbor = decodeNeighbor(message);
    return neighbor?.index === this.#index ? { address: neighbor.address, mac: neighbor.mac } : undefined;
  }
}
