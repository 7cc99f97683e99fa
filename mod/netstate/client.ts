/** What the kernel of a client Pod should hold, as a function of the phase that the client is in. */

import { formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import type { Mac } from "../addr/mac.ts";
import { contains, everything4, everything6, type Prefix, prefix4 } from "../addr/prefix.ts";
import { clientFirewall } from "./client_firewall.ts";
import {
  answersTable,
  aroundMark,
  aroundTable,
  closedTable,
  dnsPort,
  loopbackMetric,
  priorities,
  tunnelTable,
  unreachableMetric,
} from "./names.ts";
import {
  type Address,
  type NetState,
  nothing,
  type PolicyRule,
  type Route,
  type RouteTable,
  type VxlanLink,
} from "./state.ts";
import { type Uplink, uplinkDefault, uplinkRoute } from "./uplink.ts";

/** What a client's network state depends on and never changes while it runs. */
export type ClientNetConfig = {
  readonly device: string;
  readonly localCidrs: readonly Prefix[];
  /**
   * DNS questions of applications to any server but the gateway's: they are led there, refused, or like everything else.
   */
  readonly foreignDns: "redirect" | "reject" | "pass";
};

/** Where a gateway may be asked for: an address behind SERVICE, and its TCP port. */
export type Candidate = { readonly address: Ipv4; readonly port: number };

/** The tunnel to one gateway. */
export type Tunnel = {
  /** The gateway's Pod address: the VTEP. */
  readonly remote: Ipv4;
  readonly id: number;
  readonly port: number;
  readonly mtu: number;
  readonly mac: Mac;
  /** The gateway's address in the overlay. */
  readonly gateway: Ipv4;
  /** Its MAC, where it is known: then it is pinned, and no ARP answer can move it. */
  readonly gatewayMac?: Mac;
};

/** The address that a lease gave, and when it ends (milliseconds). */
export type LeasedAddress = { readonly address: Ipv4; readonly prefixLength: number; readonly expiresAt: number };

/** The phases of `docs/security.md`, each with what is known in it. */
export type ClientPhase =
  /** Before anything else: the uplink need not be known. */
  | { readonly phase: "closed"; readonly uplink?: Uplink }
  | { readonly phase: "discovering"; readonly uplink: Uplink; readonly candidates: readonly Candidate[] }
  | { readonly phase: "leasing"; readonly uplink: Uplink; readonly tunnel: Tunnel }
  | { readonly phase: "verifying"; readonly uplink: Uplink; readonly tunnel: Tunnel; readonly lease: LeasedAddress }
  | { readonly phase: "open"; readonly uplink: Uplink; readonly tunnel: Tunnel; readonly lease: LeasedAddress }
  | {
    readonly phase: "moving";
    readonly uplink: Uplink;
    readonly tunnel: Tunnel;
    readonly lease: LeasedAddress;
    readonly candidates: readonly Candidate[];
    /** The VTEP of the gateway that a lease is asked of. */
    readonly next?: Ipv4;
  };

/** The phases in which applications use the tunnel. */
export type OpenPhase = Extract<ClientPhase, { readonly phase: "open" | "moving" }>;

export function isOpen(view: ClientPhase): view is OpenPhase {
  return view.phase === "open" || view.phase === "moving";
}

/**
 * Everything that the kernel should hold in `view` at `now`.
 *
 * @param isNest whether the Pod has interfaces beside its own and ours: of nested containers, as a rule
 */
export function clientNetState(config: ClientNetConfig, view: ClientPhase, now: number, isNest = false): NetState {
  const firewall = clientFirewall(config, view, isNest);
  const uplink = view.uplink;
  if (uplink === undefined) return { ...nothing, firewall };
  const tunnel = "tunnel" in view ? view.tunnel : undefined;
  const next = view.phase === "moving" ? view.next : undefined;
  return {
    firewall,
    links: tunnel === undefined ? [] : [vxlan(config, uplink, tunnel)],
    addresses: "lease" in view ? [leasedAddress(config, view.lease, now)] : [],
    neighbors: tunnel?.gatewayMac === undefined
      ? []
      : [{ device: config.device, address: tunnel.gateway, mac: tunnel.gatewayMac }],
    routes: [
      ...closedDefaults(uplink),
      ...keptDefaults(uplink),
      ...localRoutes(config, uplink),
      ...hostRoutes(config, uplink, [
        ...("candidates" in view ? view.candidates.map((candidate) => candidate.address) : []),
        ...(tunnel === undefined ? [] : [tunnel.remote]),
        ...(next === undefined ? [] : [next]),
      ]),
      ...(tunnel === undefined ? [] : gatewayRoutes(config, tunnel)),
      ...("lease" in view ? [tunnelDefault(config, view.tunnel, tunnelTable), nowhere(everything4, tunnelTable)] : []),
      ...(isOpen(view) ? [tunnelDefault(config, view.tunnel, "main")] : []),
    ],
    exclusive: [everything4, everything6].map((destination) => ({ destination, table: "main" as const })),
    rules: policyRules(config, uplink, view),
    // A connection from anywhere may come in by the uplink although the way back to its source, for all that reverse path
    // filtering can see, is the tunnel. By the tunnel, whatever comes, comes from the gateway: while it has no address, the
    // kernel would else take only what is from the gateway's own, and nobody would hear of a second DHCP server. Where the
    // Pod's own addresses are taken for sources as well, the kernel has no reason to look for the route of each packet's
    // source, by rule after rule. Who forges one is answered within the Pod.
    interfaceSettings: [uplink.device, ...(tunnel === undefined ? [] : [config.device])].map((device) => ({
      device,
      rpFilter: "off" as const,
      acceptLocal: true,
    })),
  };
}

function vxlan(config: ClientNetConfig, uplink: Uplink, tunnel: Tunnel): VxlanLink {
  return {
    name: config.device,
    id: tunnel.id,
    port: tunnel.port,
    uplink: uplink.device,
    local: uplink.address,
    remote: tunnel.remote,
    mac: tunnel.mac,
    mtu: tunnel.mtu,
  };
}

/** The kernel itself removes the address when the lease ends, even if nobody is there to see it. */
function leasedAddress(config: ClientNetConfig, lease: LeasedAddress, now: number): Address {
  const { address, prefixLength, expiresAt } = lease;
  const lifetime = Number.isFinite(expiresAt) ? { validSeconds: Math.max(1, Math.ceil((expiresAt - now) / 1000)) } : {};
  return { device: config.device, address, prefixLength, ...lifetime };
}

/**
 * The default routes that stand behind every other, so that a Pod whose firewall was flushed does not leak.
 *
 * With no route at all, the kernel would refuse an answer to an inbound connection before the firewall could mark it for
 * its way back. IPv4's first one leads to the loopback device, from which nothing gets out. IPv6 knows no such route;
 * and there applications should see at once that there is no IPv6, and take IPv4. Both is had by the source address: an
 * answer has one from the beginning, a new connection has none when its route is looked for. What has one finds a router
 * that nobody is, and stays in the Pod unless it is marked; everything else finds `unreachable`. That is not in `main`,
 * because the kernel does not look behind it (only behind other default routes) for what is marked.
 */
function closedDefaults(uplink: Uplink): Route[] {
  const nobody = { kind: "device", device: uplink.device, via: nobodysRouter } as const;
  return [
    { destination: everything4, table: "main", metric: loopbackMetric, hop: { kind: "device", device: "lo" } },
    ...(uplink.default6 === undefined
      ? []
      : [{ destination: everything6, table: answersTable, metric: 0, hop: nobody }]),
    ...[everything4, everything6].map((destination) => nowhere(destination, closedTable)),
  ];
}

/** What stands behind all other routes to `destination`. */
function nowhere(destination: Prefix, table: RouteTable): Route {
  return { destination, table, metric: unreachableMetric, hop: { kind: "unreachable" } };
}

/** A link-local address that no router has: neighbour discovery finds nobody, so nothing is sent. */
const nobodysRouter = "fe80::7067:7700:0:3150";

/** The Pod's own default routes, out of `main` and into the table of marked packets. */
function keptDefaults(uplink: Uplink): Route[] {
  const default4 = uplinkDefault(uplink);
  const routes: Route[] = [];
  if (default4 !== undefined) {
    routes.push({ ...uplinkHop(uplink, everything4, default4), table: aroundTable });
  }
  if (uplink.default6 !== undefined) {
    routes.push({ ...uplinkHop(uplink, everything6, uplink.default6), table: aroundTable });
  }
  return routes;
}

function localRoutes(config: ClientNetConfig, uplink: Uplink): Route[] {
  const default4 = uplinkDefault(uplink);
  return config.localCidrs.flatMap((prefix): Route[] => {
    const way = prefix.family === 4 ? default4 : uplink.default6;
    return way === undefined ? [] : [uplinkHop(uplink, prefix, way)];
  });
}

/**
 * Routes to what `pgw` itself must reach outside PGW_LOCAL_CIDRS, each as the Pod's own routes have it. The Pod's
 * nameservers need none: its questions are marked, and an application may have other business with such an address.
 */
function hostRoutes(config: ClientNetConfig, uplink: Uplink, addresses: readonly Ipv4[]): Route[] {
  const outside = new Set(addresses.filter((address) => !isLocal(config, address)));
  return [...outside].flatMap((address) => {
    const route = uplinkRoute(uplink, address);
    // What a more specific route of the Pod's own reaches needs no other.
    return route === undefined || route.destination.length > 0 ? [] : [uplinkHop(uplink, prefix4(address, 32), route)];
  });
}

/** Whether `address` is in PGW_LOCAL_CIDRS. */
export function isLocal(config: ClientNetConfig, address: Ipv4): boolean {
  return config.localCidrs.some((prefix) => prefix.family === 4 && contains(prefix, address));
}

/** The one way to the gateway's overlay address, which must be there before the first offer comes in from it. */
function gatewayRoutes({ device }: ClientNetConfig, tunnel: Tunnel): Route[] {
  const destination = prefix4(tunnel.gateway, 32);
  return [{ destination, table: "main", metric: 0, hop: { kind: "device", device } }, nowhere(destination, "main")];
}

function tunnelDefault(config: ClientNetConfig, tunnel: Tunnel, table: RouteTable): Route {
  return {
    destination: everything4,
    table,
    metric: 0,
    hop: { kind: "device", device: config.device, via: formatIpv4(tunnel.gateway) },
  };
}

/**
 * Marked packets, and answers in general, go where the Pod's own routes would have sent them: to whoever is on a link of
 * the Pod's by that link, and by the router that was the Pod's own otherwise. What has the leased address answers a
 * connection that came by the tunnel, and goes back by it, even to PGW_LOCAL_CIDRS.
 *
 * An application's DNS question that is to be led to the gateway is routed by the tunnel whatever its destination, or
 * nowhere: so the interface that the firewall sees, before the destination is translated, is the one that it leaves by.
 * (The kernel looks into packets for ports only where it must: not for a rule of its own packets.)
 */
function policyRules({ foreignDns }: ClientNetConfig, uplink: Uplink, view: ClientPhase): PolicyRule[] {
  const both = ([4, 6] as const).flatMap((family): PolicyRule[] => [
    { family, priority: priorities.aroundSpecific, mark: aroundMark, table: "main", exceptDefaults: true },
    { family, priority: priorities.around, mark: aroundMark, table: aroundTable },
    { family, priority: priorities.closed, table: closedTable },
  ]);
  const tunnel: PolicyRule[] = "lease" in view
    ? [{ family: 4, priority: priorities.tunnel, from: formatIpv4(view.lease.address), table: tunnelTable }]
    : [];
  const dns: PolicyRule[] = isOpen(view) && foreignDns === "redirect"
    ? [{ family: 4, priority: priorities.dns, ownToPort: dnsPort, table: tunnelTable }]
    : [];
  const answers: PolicyRule[] = uplink.default6 === undefined
    ? []
    : uplink.addresses6.map((from) => ({ family: 6, priority: priorities.answers, from, table: answersTable }));
  return [...both, ...tunnel, ...dns, ...answers];
}

/** To `destination` as the Pod's own route, of which `via` and the rest are, would have led. */
function uplinkHop(
  uplink: Uplink,
  destination: Prefix,
  { via, onlink, mtu }: { readonly via?: Ipv4 | string; readonly onlink?: boolean; readonly mtu?: number },
): Route {
  return {
    destination,
    table: "main",
    metric: 0,
    hop: {
      kind: "device",
      device: uplink.device,
      ...(via === undefined ? {} : { via: typeof via === "string" ? via : formatIpv4(via) }),
      ...(onlink === undefined ? {} : { onlink }),
      ...(mtu === undefined ? {} : { mtu }),
    },
  };
}
