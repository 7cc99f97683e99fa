/** Finds the Pod's own interface and routes in what the kernel holds, also after an earlier run moved them. Pure. */

import { type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { PgwError } from "../errors.ts";
import type { Observed, ObservedLink, ObservedRoute } from "../netstate/diff.ts";
import { aroundTable } from "../netstate/names.ts";
import { followUplink, type Uplink, uplinkDefault, type UplinkRoute } from "../netstate/uplink.ts";
import { advertised } from "./rtnetlink.ts";

/** The Pod's own interface cannot be told, or cannot carry a tunnel. */
export class UplinkError extends PgwError {}

/**
 * The Pod's own interface: `name`, or the one of its default route. That is the one in `main` which is not ours, or,
 * after an earlier run, the one kept in our own table. An Ethernet device is preferred: a VPN's default route does not
 * make its device the Pod's own, and that of `vpnInterface` never does.
 *
 * @throws {UplinkError} there is no such interface, or it has no IPv4 address
 */
export function findUplink(observed: Observed, name?: string, vpnInterface?: string): Uplink {
  const defaults = observed.routes.filter((route) => isOwn(route) && route.destination.length === 0);
  const candidates = observed.links.filter((link) => !link.ours && link.name !== vpnInterface);
  const link = name === undefined
    ? linkOfDefault(candidates, defaults) ??
      (vpnInterface === undefined ? undefined : linkWithoutDefault(candidates, observed))
    : observed.links.find((candidate) => candidate.name === name);
  if (link === undefined) {
    const there = observed.links.map((candidate) => candidate.name).join(", ");
    throw new UplinkError(
      name === undefined
        ? `there is no default route${
          vpnInterface === undefined ? "" : " but the VPN's"
        } to tell the Pod's own interface by: name it with PGW_INTERFACE (there are ${there})`
        : `there is no interface '${name}': set PGW_INTERFACE to one of ${there}`,
    );
  }
  const addresses = observed.addresses.filter(({ device, scope }) => device === link.name && scope === "global");
  const address = addresses.find(({ family }) => family === 4);
  if (address === undefined) {
    throw new UplinkError(`the interface '${link.name}' has no IPv4 address, which the tunnel needs as its end`);
  }
  const own = inOrder(observed.routes.filter((route) => isOwn(route) && leadsTo(route, link)));
  const routes = own.flatMap(uplinkRoute);
  const default6 = own.find(({ destination }) => destination.family === 6 && destination.length === 0);
  return {
    device: link.name,
    mtu: Math.min(link.mtu, uplinkDefault({ routes })?.mtu ?? Infinity),
    address: parseIpv4(address.address),
    ownAddresses: ownAddresses(observed),
    addresses6: addresses.filter(({ family }) => family === 6).map((there) => there.address),
    routes,
    ...(default6 === undefined ? {} : { default6: defaultOf(default6) }),
  };
}

/**
 * The uplink `before` in what the kernel holds now; `undefined`: as it was, or not in use.
 *
 * A default route that somebody makes in `main`, to a router, is the Pod's own from then on: what they know of the way out is
 * lost when it is taken out of there. But not one that was advertised, as anybody on the link may do.
 */
export function findChangedUplink(observed: Observed, before: Uplink): Uplink | undefined {
  const isUp = observed.links.some(({ name, up }) => name === before.device && up);
  if (!isUp) return undefined;
  const routes = observed.routes.filter((route) => !route.ours && (route.destination.length > 0 || isToRouter(route)));
  try {
    const now = followUplink(before, findUplink({ ...observed, routes }, before.device));
    return JSON.stringify(now) === JSON.stringify(before) ? undefined : now;
  } catch (error) {
    // Without an address: on the way to another, as a rule.
    if (error instanceof UplinkError) return undefined;
    throw error;
  }
}

function isToRouter({ hop, protocol }: ObservedRoute): boolean {
  return hop.kind === "device" && hop.via !== undefined && protocol !== advertised;
}

function ownAddresses({ links, addresses }: Observed): Ipv4[] {
  const ours = links.filter((link) => link.ours).map(({ name }) => name);
  return addresses.filter(({ device, family }) => family === 4 && !ours.includes(device))
    .map(({ address }) => parseIpv4(address));
}

/** Not ours, or the Pod's own default route where an earlier run put it. */
function isOwn(route: ObservedRoute): boolean {
  return route.table === "main" ? !route.ours : route.table === aroundTable && route.ours;
}

function linkOfDefault(
  candidates: readonly ObservedLink[],
  defaults: readonly ObservedRoute[],
): ObservedLink | undefined {
  const chosen = ethernetFirst(candidates.filter((link) => defaults.some((route) => leadsTo(route, link))));
  const [route] = inOrder(
    defaults.filter((route) => route.destination.family === 4 && chosen.some((link) => leadsTo(route, link))),
  );
  return chosen.find((link) => route === undefined || leadsTo(route, link));
}

/** Where a VPN took the default route's place: the link that our tunnel is on already, or the only one that is routed. */
function linkWithoutDefault(
  candidates: readonly ObservedLink[],
  { links, routes }: Observed,
): ObservedLink | undefined {
  const tunnel = links.find(({ ours, vxlan }) => ours && vxlan !== undefined)?.vxlan;
  const own = routes.filter((route) => isOwn(route) && route.destination.family === 4);
  const routed = ethernetFirst(candidates.filter((link) => own.some((route) => leadsTo(route, link))));
  return candidates.find(({ name }) => name === tunnel?.uplink) ?? (routed.length === 1 ? routed[0] : undefined);
}

function ethernetFirst(links: readonly ObservedLink[]): readonly ObservedLink[] {
  const ethernet = links.filter((link) => link.ethernet);
  return ethernet.length > 0 ? ethernet : links;
}

function leadsTo(route: ObservedRoute, link: ObservedLink): boolean {
  return route.hop.kind === "device" && route.hop.device === link.name;
}

/** In the order in which the kernel takes them, a kept one behind those in `main`. */
function inOrder(routes: readonly ObservedRoute[]): ObservedRoute[] {
  const kept = (route: ObservedRoute) => route.table === "main" ? 0 : 1;
  return routes.toSorted((a, b) =>
    b.destination.length - a.destination.length || kept(a) - kept(b) || a.metric - b.metric
  );
}

function uplinkRoute({ destination, hop }: ObservedRoute): UplinkRoute[] {
  if (destination.family !== 4 || hop.kind !== "device") return [];
  // An IPv4 route by way of an IPv6 router (RFC 5549) has no place in an `UplinkRoute`.
  if (hop.via !== undefined && !isIpv4(hop.via)) return [];
  return [{
    destination,
    ...(hop.via === undefined ? {} : { via: parseIpv4(hop.via) }),
    ...(hop.onlink === undefined ? {} : { onlink: hop.onlink }),
    ...(hop.mtu === undefined ? {} : { mtu: hop.mtu }),
  }];
}

function defaultOf({ hop }: ObservedRoute): NonNullable<Uplink["default6"]> {
  if (hop.kind !== "device") return {};
  return { ...(hop.via === undefined ? {} : { via: hop.via }), ...(hop.mtu === undefined ? {} : { mtu: hop.mtu }) };
}
