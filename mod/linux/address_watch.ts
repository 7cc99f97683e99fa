/**
 * Tells when another host uses an address of this one (RFC 5227), with NET_ADMIN alone.
 *
 * No ARP packet is seen here: the kernel sees them, for an entry of its neighbour table. Nobody needs one for an address of
 * one's own, so whatever the kernel notes in it is somebody else's claim: an answer to a probe, or an announcement at any
 * time later.
 */

import type { Ipv4 } from "../addr/ipv4.ts";
import { formatMac, type Mac } from "../addr/mac.ts";
import { interfaceIndex } from "./interface_index.ts";
import { awaitNeighbor, decodeNeighbor } from "./neighbor.ts";
import { NETLINK_ROUTE } from "./netlink.ts";
import { NetlinkListener } from "./netlink_listener.ts";
import { RTMGRP_NEIGH } from "./rtnetlink.ts";

/** Who else uses the address. */
export type Claim = { readonly address: Ipv4; readonly mac: Mac };

export class AddressWatch implements Disposable {
  readonly #index: number | undefined;
  #address: Ipv4 | undefined;

  private constructor(
    readonly device: string,
    readonly known: ReadonlySet<string>,
    readonly listener: NetlinkListener,
  ) {
    this.#index = interfaceIndex(device);
  }

  /** @param known who may claim what they like: this host itself, and a host that answers in the name of others */
  static open(device: string, known: readonly Mac[]): AddressWatch {
    return new AddressWatch(
      device,
      new Set(known.map(formatMac)),
      NetlinkListener.open({ protocol: NETLINK_ROUTE, groups: RTMGRP_NEIGH }),
    );
  }

  /**
   * Watches `address` and no other from now on, whether this host has taken it yet or not.
   *
   * @throws {MissingCapabilityError} without NET_ADMIN
   * @throws {SocketError} there is no such device (`ENODEV`)
   */
  watch(address: Ipv4): void {
    this.#address = address;
    awaitNeighbor(this.device, address);
  }

  /** The next claim of the watched address; `undefined` once closed. One call at a time. */
  async next(): Promise<Claim | undefined> {
    for (let notices = await this.listener.next(); notices !== undefined; notices = await this.listener.next()) {
      for (const message of notices.messages) {
        const there = decodeNeighbor(message);
        if (there?.index !== this.#index || there?.address !== this.#address) continue;
        if (there !== undefined && !this.known.has(formatMac(there.mac))) return there;
      }
    }
    return undefined;
  }

  close(): void {
    this.listener.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
