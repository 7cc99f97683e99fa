/** What must change so that the kernel holds a desired state: pure, from what was observed. */

import { formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import { formatMac } from "../addr/mac.ts";
import { formatPrefix, type Prefix } from "../addr/prefix.ts";
import { ConflictError } from "../errors.ts";
import type { Address, Neighbor, NetState, PolicyRule, Route, RouteKey, VxlanLink } from "./state.ts";

/** What the kernel holds, ours or not, as far as it concerns us. */
export type Observed = {
  readonly links: readonly ObservedLink[];
  /** IPv4 and IPv6. */
  readonly addresses: readonly ObservedAddress[];
  /** Both families, without what others have in the table `local`. */
  readonly routes: readonly ObservedRoute[];
  readonly rules: readonly ObservedRule[];
  /** Permanent entries. */
  readonly neighbors: readonly Neighbor[];
};

export type ObservedLink = {
  readonly name: string;
  readonly index: number;
  readonly ours: boolean;
  readonly up: boolean;
  readonly mac: string;
  readonly mtu: number;
  /** Whether it has Ethernet frames: the loopback and most VPN devices have not. */
  readonly ethernet: boolean;
  /** `vxlan`, `veth`, `tun`, ...; absent: hardware. */
  readonly kind?: string;
  readonly vxlan?: VxlanSettings;
};

/** What makes a VXLAN device: all but the other end, which may move, stays as it was made. */
export type VxlanSettings = Pick<VxlanLink, "id" | "port"> & {
  readonly uplink?: string;
  readonly local?: string;
  readonly remote?: string;
};

export type ObservedAddress = {
  readonly device: string;
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefixLength: number;
  /** `global`, `link`, `host`. */
  readonly scope: string;
  /** Seconds; absent: forever. */
  readonly validSeconds?: number;
};

export type ObservedRoute = Route & {
  readonly ours: boolean;
  /** The number of who made it (rtnetlink(7), `rtm_protocol`). */
  readonly protocol: number;
  /** Whether it has several next hops, of which `hop` is the first. */
  readonly multipath: boolean;
};

export type ObservedRule = PolicyRule & {
  readonly ours: boolean;
  /** It is for packets that do not match (`not`). */
  readonly inverted?: true;
};

/** One step, in the order in which {@link diff} returns it. */
export type Change =
  | { readonly kind: "delete link"; readonly name: string }
  | { readonly kind: "add link"; readonly link: VxlanLink }
  | {
    readonly kind: "set link";
    readonly name: string;
    readonly mac?: string;
    readonly mtu?: number;
    /** The other end of a VXLAN tunnel. */
    readonly remote?: Ipv4;
  }
  | { readonly kind: "delete address"; readonly address: ObservedAddress }
  | { readonly kind: "set address"; readonly address: Address }
  | { readonly kind: "add route"; readonly route: Route }
  | { readonly kind: "replace route"; readonly route: Route }
  | { readonly kind: "delete route"; readonly route: ObservedRoute }
  | { readonly kind: "add rule"; readonly rule: PolicyRule }
  | { readonly kind: "delete rule"; readonly rule: PolicyRule }
  | { readonly kind: "set neighbor"; readonly neighbor: Neighbor }
  | { readonly kind: "delete neighbor"; readonly neighbor: Neighbor };

/** Everything of a {@link NetState} that `ip` manages. */
export type IpState = Pick<NetState, "links" | "addresses" | "routes" | "exclusive" | "rules" | "neighbors">;

/**
 * How the seconds left of an address are compared: `exact` for what is asked for anew, because a lease that is renewed may
 * have just one more of them; `about` for what was set already.
 */
export type Lifetimes = "exact" | "about";

/**
 * How far the seconds left of an address may be from what was set before somebody else has changed them: time passes
 * between computing the one and reading the other, more of it on a busy node.
 */
function lifetimeTolerance(validSeconds: number): number {
  return Math.max(2, validSeconds / 10);
}

/**
 * The steps from `observed` to `desired`, in an order in which each can be taken: what is there no more, then the
 * device and what stands on it, then what is superseded.
 *
 * @throws {ConflictError} a device of the wanted name or number is someone else's
 */
export function diff(desired: IpState, observed: Observed, lifetimes: Lifetimes = "about"): Change[] {
  const links = diffLinks(desired.links, observed.links);
  const replaced = new Set(links.flatMap((change) => change.kind === "delete link" ? [change.name] : []));
  const ourDevices = new Set([
    ...observed.links.filter((link) => link.ours).map((link) => link.name),
    ...desired.links.map((link) => link.name),
  ]);
  // What stood on a deleted device is gone with it.
  const addresses = diffAddresses(
    desired.addresses,
    observed.addresses.filter(({ device, family }) => family === 4 && ourDevices.has(device) && !replaced.has(device)),
    lifetimes,
  );
  const bare = devicesWithoutAddress(addresses, observed.addresses);
  const routes = diffRoutes(
    desired,
    observed.routes.filter(({ destination, hop }) =>
      hop.kind !== "device" || !(replaced.has(hop.device) || (destination.family === 4 && bare.has(hop.device)))
    ),
  );
  const rules = diffRules(desired.rules, observed.rules);
  const neighbors = diffNeighbors(
    desired.neighbors,
    observed.neighbors.filter(({ device }) => ourDevices.has(device) && !replaced.has(device)),
  );
  const changes = [...links, ...addresses, ...routes, ...rules, ...neighbors];
  const isLate = (change: Change) => /^delete (route|rule|neighbor)$/.test(change.kind);
  return [...changes.filter((change) => !isLate(change)), ...changes.filter(isLate)];
}

function diffLinks(desired: readonly VxlanLink[], observed: readonly ObservedLink[]): Change[] {
  const deletes: Change[] = [];
  const sets: Change[] = [];
  for (const link of observed) {
    if (link.ours && !desired.some(({ name }) => name === link.name)) {
      deletes.push({ kind: "delete link", name: link.name });
    }
  }
  for (const link of desired) {
    const there = observed.find(({ name }) => name === link.name);
    const differences = there === undefined ? [] : vxlanDifferences(link, there);
    refuseForeign(link, there, differences, observed);
    if (there === undefined) {
      sets.push({ kind: "add link", link });
    } else if (mustBeNew(link, there)) {
      deletes.push({ kind: "delete link", name: link.name });
      sets.push({ kind: "add link", link });
    } else {
      const mac = formatMac(link.mac);
      const change = {
        ...(there.mac === mac ? {} : { mac }),
        ...(there.mtu === link.mtu ? {} : { mtu: link.mtu }),
        ...(link.remote === undefined || formatIpv4(link.remote) === there.vxlan?.remote
          ? {}
          : { remote: link.remote }),
      };
      if (Object.keys(change).length > 0 || !there.up || !there.ours) {
        sets.push({ kind: "set link", name: link.name, ...change });
      }
    }
  }
  return [...deletes, ...sets];
}

function refuseForeign(
  link: VxlanLink,
  there: ObservedLink | undefined,
  differences: readonly string[],
  observed: readonly ObservedLink[],
): void {
  if (there !== undefined && !there.ours && differences.length > 0) {
    throw new ConflictError(
      `there is a device '${link.name}' that pgw did not make and that differs (${differences.join(", ")}): ` +
        `remove it with 'ip link delete ${link.name}', or choose another name with PGW_VXLAN_DEVICE`,
    );
  }
  const taken = observed.find(({ name, ours, vxlan }) =>
    name !== link.name && !ours && vxlan?.id === link.id && vxlan.port === link.port
  );
  if (taken !== undefined) {
    throw new ConflictError(
      `the device '${taken.name}', which pgw did not make, has VXLAN id ${link.id} on port ${link.port}: ` +
        `remove it with 'ip link delete ${taken.name}', or choose another id with PGW_VXLAN_ID`,
    );
  }
}

/** Whether `there` cannot become what `link` wants: of a VXLAN device only the other end can be changed, not taken away. */
function mustBeNew(link: VxlanLink, there: ObservedLink): boolean {
  const { vxlan } = there;
  const wanted = settingsOf(link);
  return vxlan === undefined ||
    (["id", "port", "uplink", "local"] as const).some((key) => wanted[key] !== vxlan[key]) ||
    (wanted.remote === undefined) !== (vxlan.remote === undefined);
}

function settingsOf({ id, port, uplink, local, remote }: VxlanLink): VxlanSettings {
  const end = remote === undefined ? {} : { remote: formatIpv4(remote) };
  return { id, port, uplink, local: formatIpv4(local), ...end };
}

/** What of `there` is not as `link` wants it, in words. */
function vxlanDifferences(link: VxlanLink, there: ObservedLink): string[] {
  if (there.vxlan === undefined) return [`it is ${there.kind ?? "a hardware device"}, not vxlan`];
  const wanted = settingsOf(link);
  return (["id", "port", "uplink", "local", "remote"] as const)
    .filter((key) => wanted[key] !== there.vxlan?.[key])
    .map((key) => `${key} is ${there.vxlan?.[key] ?? "not set"} instead of ${wanted[key] ?? "not set"}`);
}

/** `observed`: IPv4 addresses of our devices. Deletes come first: the kernel deletes a secondary with its primary. */
function diffAddresses(
  desired: readonly Address[],
  observed: readonly ObservedAddress[],
  lifetimes: Lifetimes,
): Change[] {
  const same = (wanted: Address, there: ObservedAddress) =>
    wanted.device === there.device && formatIpv4(wanted.address) === there.address &&
    wanted.prefixLength === there.prefixLength;
  const lasting = (wanted: Address, there: ObservedAddress) =>
    lifetimes === "exact" || wanted.validSeconds === undefined || there.validSeconds === undefined
      ? wanted.validSeconds === there.validSeconds
      : Math.abs(wanted.validSeconds - there.validSeconds) <= lifetimeTolerance(wanted.validSeconds);
  return [
    ...observed.filter((there) => !desired.some((wanted) => same(wanted, there)))
      .map((address): Change => ({ kind: "delete address", address })),
    ...desired.filter((wanted) => !observed.some((there) => same(wanted, there) && lasting(wanted, there)))
      .map((address): Change => ({ kind: "set address", address })),
  ];
}

/** Devices of which every IPv4 address is deleted: the kernel takes their IPv4 routes away at that moment. */
function devicesWithoutAddress(changes: readonly Change[], observed: readonly ObservedAddress[]): Set<string> {
  const deleted = changes.flatMap((change) => change.kind === "delete address" ? [change.address] : []);
  return new Set(
    deleted.map(({ device }) => device).filter((device) =>
      observed.every((there) => there.family !== 4 || there.device !== device || deleted.includes(there))
    ),
  );
}

function diffRoutes(desired: IpState, observed: readonly ObservedRoute[]): Change[] {
  const matched = new Set<ObservedRoute>();
  const sets: Change[] = [];
  const mayRemove = (route: ObservedRoute) =>
    route.ours || (desired.exclusive ?? []).some((key) => sameKey(key, route));
  for (const route of inOrder(desired.routes)) {
    const rivals = observed.filter((there) => sameKey(route, there) && metric(route) === metric(there));
    const equal = rivals.find((there) => sameHop(route, there));
    if (equal !== undefined) {
      matched.add(equal);
    } else if (rivals[0] === undefined) {
      sets.push({ kind: "add route", route });
    } else if (mayRemove(rivals[0])) {
      matched.add(rivals[0]);
      sets.push({ kind: "replace route", route });
    }
    // Else it is the Pod's own and stands for ours: whoever made it chose the way to this destination.
  }
  const deletes = observed.filter((there) => mayRemove(there) && !matched.has(there))
    .map((route): Change => ({ kind: "delete route", route }));
  return [...sets, ...deletes];
}

/** What closes first, then what is on-link, then what needs an on-link route to its next hop. */
function inOrder(routes: readonly Route[]): Route[] {
  const rank = ({ hop }: Route) => hop.kind === "unreachable" ? 0 : hop.via === undefined ? 1 : 2;
  return routes.toSorted((a, b) => rank(a) - rank(b));
}

function sameKey(a: RouteKey, b: RouteKey): boolean {
  return a.table === b.table && formatPrefix(a.destination) === formatPrefix(b.destination);
}

/** IPv6 has no metric 0: the kernel takes 1024 instead (ip-route(8), `preference`). */
function metric(route: Route): number {
  return route.destination.family === 6 && route.metric === 0 ? 1024 : route.metric;
}

function sameHop(a: Route, b: ObservedRoute): boolean {
  if (a.hop.kind === "unreachable" || b.hop.kind === "unreachable") return a.hop.kind === b.hop.kind;
  return !b.multipath && a.hop.device === b.hop.device && a.hop.via === b.hop.via && a.hop.source === b.hop.source &&
    (a.hop.onlink ?? false) === (b.hop.onlink ?? false) && a.hop.mtu === b.hop.mtu;
}

function diffRules(desired: readonly PolicyRule[], observed: readonly ObservedRule[]): Change[] {
  const same = (a: PolicyRule, b: PolicyRule) =>
    a.family === b.family && a.priority === b.priority && a.mark === b.mark && a.from === b.from &&
    sameDestinations(a.to, b.to) && a.ownToPort === b.ownToPort && a.table === b.table &&
    a.exceptDefaults === b.exceptDefaults;
  const ours = observed.filter((rule) => rule.ours);
  return [
    ...desired.filter((rule) => !ours.some((there) => same(rule, there)))
      .map((rule): Change => ({ kind: "add rule", rule })),
    ...ours.filter((there) => !desired.some((rule) => same(rule, there)))
      .map((rule): Change => ({ kind: "delete rule", rule })),
  ];
}

function sameDestinations(a: Prefix | undefined, b: Prefix | undefined): boolean {
  return a === undefined || b === undefined ? a === b : formatPrefix(a) === formatPrefix(b);
}

/** `observed`: permanent entries of our devices. */
function diffNeighbors(desired: readonly Neighbor[] | undefined, observed: readonly Neighbor[]): Change[] {
  if (desired === undefined) return [];
  const sameAddress = (a: Neighbor, b: Neighbor) => a.device === b.device && a.address === b.address;
  const same = (a: Neighbor, b: Neighbor) => sameAddress(a, b) && formatMac(a.mac) === formatMac(b.mac);
  return [
    ...desired.filter((neighbor) => !observed.some((there) => same(neighbor, there)))
      .map((neighbor): Change => ({ kind: "set neighbor", neighbor })),
    ...observed.filter((there) => !desired.some((neighbor) => sameAddress(neighbor, there)))
      .map((neighbor): Change => ({ kind: "delete neighbor", neighbor })),
  ];
}
