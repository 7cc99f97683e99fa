/**
 * Rebinding protection: a name of the outside that resolves into a local network lets a web page reach what only
 * local programs should.
 */

import type { Ipv4 } from "../addr/ipv4.ts";
import { contains, overlaps, parsePrefix, type Prefix, type Prefix4, type Prefix6 } from "../addr/prefix.ts";
import { skipName, types, u16, u32 } from "../wire/dns.ts";
import type { Response } from "./response.ts";
import { parseUpstream } from "./upstream_address.ts";

/**
 * The networks that outside names must not resolve into: the tunnel's, and the Pods' as far as it is known. That is what
 * the Pod's own routes name, and those local networks in which the Pod or a nameserver of the cluster's has its address.
 */
export function rebindingNetworks(from: {
  readonly overlay: Prefix;
  readonly podAddress: Ipv4;
  /** Destinations of the Pod's own routes. */
  readonly podRoutes: readonly Prefix[];
  readonly localCidrs: readonly Prefix[];
  /** Texts that `parseUpstream` reads. */
  readonly clusterServers: readonly string[];
}): Prefix[] {
  const known: Prefix[] = [
    { family: 4, address: from.podAddress, length: 32 },
    ...from.clusterServers.map((server) => parsePrefix(parseUpstream(server).address)),
  ];
  const routes = from.podRoutes.filter(({ length }) => length > 8);
  const local = from.localCidrs.filter((network) => known.some((one) => overlaps(network, one)));
  return [from.overlay, ...routes, ...known, ...local];
}

/** Keys of service parameters (RFC 9460 section 14.3.2). */
const ipv4Hint = 4;
const ipv6Hint = 6;

export class RebindingGuard {
  readonly #networks4: readonly Prefix4[];
  readonly #networks6: readonly Prefix6[];

  /** @param networks what outside names must not resolve into */
  constructor(networks: readonly Prefix[]) {
    this.#networks4 = networks.filter((network) => network.family === 4);
    this.#networks6 = networks.filter((network) => network.family === 6);
  }

  /** Whether an address, or an address hint, in the answer section is in one of the networks. */
  forbids(bytes: Uint8Array, response: Response): boolean {
    return response.addressOffsets.some((data) => this.#forbidsRecord(bytes, data));
  }

  #forbidsRecord(bytes: Uint8Array, data: number): boolean {
    const type = u16(bytes, data - 10);
    const end = data + u16(bytes, data - 2);
    if (type === types.a) return this.#forbids4(bytes, data);
    if (type === types.aaaa) return this.#forbids6(bytes, data);
    return this.#forbidsHint(bytes, data + 2, end);
  }

  /** SvcParams follow the priority and the target's name (RFC 9460 section 2.2). */
  #forbidsHint(bytes: Uint8Array, targetAt: number, end: number): boolean {
    let at = skipName(bytes, targetAt, end);
    while (at >= 0 && at + 4 <= end) {
      const key = u16(bytes, at);
      const value = at + 4;
      at = value + u16(bytes, at + 2);
      if (at > end) return false;
      const size = key === ipv4Hint ? 4 : key === ipv6Hint ? 16 : 0;
      for (let address = value; size > 0 && address + size <= at; address += size) {
        if (size === 4 ? this.#forbids4(bytes, address) : this.#forbids6(bytes, address)) return true;
      }
    }
    return false;
  }

  #forbids4(bytes: Uint8Array, at: number): boolean {
    const address = u32(bytes, at);
    return this.#networks4.some((network) => contains(network, address));
  }

  #forbids6(bytes: Uint8Array, at: number): boolean {
    // ::ffff:0:0/96 stands for IPv4 (RFC 4291 section 2.5.5.2).
    const isMapped = u32(bytes, at) === 0 && u32(bytes, at + 4) === 0 && u32(bytes, at + 8) === 0xffff;
    if (isMapped) return this.#forbids4(bytes, at + 12);
    if (this.#networks6.length === 0) return false;
    let address = 0n;
    for (let index = 0; index < 4; index++) address = (address << 32n) | BigInt(u32(bytes, at + 4 * index));
    return this.#networks6.some(({ address: network, length }) => (address ^ network) >> BigInt(128 - length) === 0n);
  }
}
