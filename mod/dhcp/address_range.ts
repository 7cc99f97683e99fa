/** The addresses that clients may get. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { broadcastAddress, hostAddress, type Prefix4 } from "../addr/prefix.ts";

/** From `first` to `last`, both included. */
export type AddressRange = { readonly first: Ipv4; readonly last: Ipv4 };

/** From number 20 on, as ever (`.20` to `.254` of a /24); where that leaves few, all behind the first, the gateway's. */
export function defaultRange(network: Prefix4): AddressRange {
  return { first: hostAddress(network, network.length <= 27 ? 20 : 2), last: (broadcastAddress(network) - 1) >>> 0 };
}
