/** Where in a pool a client belongs: the same at every gateway of a network, so that a Pod that moves keeps its address. */

import { podAddressOf } from "../addr/mac.ts";
import { hashKey, type Requester } from "./requester.ts";

const most = 16;

/**
 * The first of a client's places that suits. Places are numbers from 0 to `count` - 1, the best first. Gateways do not
 * know of each other's leases: two clients that belong to the same place can get it from two gateways, and one loses it
 * when they meet. So our own clients, whose MAC addresses tell their Pods' addresses, are placed one beside the other, as
 * those are: no two of one node, nor of one Pod network that is no greater than the pool. All others, and the further
 * places, come from a hash.
 */
export function preferredPlace(
  { key, chaddr }: Requester,
  count: number,
  suits: (place: number) => boolean,
): number | undefined {
  const podAddress = podAddressOf(chaddr);
  if (podAddress !== undefined && suits(podAddress % count)) return podAddress % count;
  const start = hashKey(key);
  const stride = hashKey(key, 1) | 1;
  for (let number = 0; number < most; number++) {
    const place = (start + number * stride) % count;
    if (suits(place)) return place;
  }
  return undefined;
}
