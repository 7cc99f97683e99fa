/** The Pod's own way to the network, as it was before anything of ours, and how its routes reach an address. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { contains, type Prefix4 } from "../addr/prefix.ts";

/** The Pod's own interface: the one that its default route names. */
export type Uplink = {
  readonly device: string;
  /** What packets by the default route may have: the device's MTU, or the route's own where that is smaller. */
  readonly mtu: number;
  /** The first global IPv4 address, the underlay address of the tunnel. */
  readonly address: Ipv4;
  /** `address`, and all other IPv4 addresses of the Pod's, whatever interface they are on. */
  readonly ownAddresses: readonly Ipv4[];
  /** Global IPv6 addresses as text. */
  readonly addresses6: readonly string[];
  /** The Pod's own IPv4 routes through `device`, its default route included wherever that is kept by now. */
  readonly routes: readonly UplinkRoute[];
  /** The Pod's own IPv6 default route, its router (`via`) as text; absent: there is none. */
  readonly default6?: { readonly via?: string; readonly mtu?: number };
};

export type UplinkRoute = {
  readonly destination: Prefix4;
  /** Absent: on-link. */
  readonly via?: Ipv4;
  readonly onlink?: boolean;
  /** Absent: the device's. An encapsulating CNI may leave that at 1500 and say on its routes what really fits. */
  readonly mtu?: number;
};

/** The route of longest prefix for `address`, as the Pod's own routing would have chosen; absent: there is none. */
export function uplinkRoute(uplink: Uplink, address: Ipv4): UplinkRoute | undefined {
  return uplink.routes
    .filter((route) => contains(route.destination, address))
    .reduce<UplinkRoute | undefined>(
      (best, route) => best === undefined || route.destination.length > best.destination.length ? route : best,
      undefined,
    );
}

/** What packets to `address` may have. */
export function mtuTowards(uplink: Uplink, address: Ipv4): number {
  return Math.min(uplink.mtu, uplinkRoute(uplink, address)?.mtu ?? Infinity);
}

/**
 * What is seen of the uplink `before` when it is looked at again. Its default routes are those that came since, else the
 * ones from before, which are kept elsewhere.
 */
export function followUplink(before: Uplink, seen: Uplink): Uplink {
  const default4 = uplinkDefault(seen) ?? uplinkDefault(before);
  const default6 = seen.default6 ?? before.default6;
  return {
    ...seen,
    mtu: Math.min(seen.mtu, default4?.mtu ?? Infinity),
    routes: [
      ...seen.routes.filter(({ destination }) => destination.length > 0),
      ...(default4 === undefined ? [] : [default4]),
    ],
    ...(default6 === undefined ? {} : { default6 }),
  };
}

/** The Pod's own default route; absent on a node that has none. */
export function uplinkDefault({ routes }: Pick<Uplink, "routes">): UplinkRoute | undefined {
  return routes.find((route) => route.destination.length === 0);
}
