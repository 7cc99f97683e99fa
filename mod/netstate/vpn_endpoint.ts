/** Where a VPN's own connection goes to: what the user named, and what the VPN itself has shown by its routes. */

import { formatPrefix, type Prefix } from "../addr/prefix.ts";
import type { Observed, ObservedRoute } from "./diff.ts";
import type { Uplink } from "./uplink.ts";

/** What a VPN's own packets look like. Each that is absent may be anything. */
export type VpnEndpoint = {
  readonly prefix?: Prefix;
  readonly port?: number;
  readonly protocol?: "tcp" | "udp";
};

/** The connection of a VPN that stands, as routing tells it. */
export type FoundVpn = {
  /** Single addresses that are routed around it, as OpenVPN does with its server's. */
  readonly addresses: readonly Prefix[];
  /** Packet marks that are routed around it, as WireGuard's (`wg-quick`, gluetun) are. Only NET_ADMIN can set one. */
  readonly marks: readonly number[];
};

/**
 * What a VPN that takes everything leaves out, which is its own connection: otherwise that would lead into itself.
 * `undefined`: no such VPN stands, or it keeps its connection out by other means, so that nothing can be said.
 */
export function findVpn(observed: Observed, uplink: Uplink, vpnInterface: string): FoundVpn | undefined {
  const isUp = observed.links.some(({ name, up }) => name === vpnInterface && up);
  const byVpn = observed.routes.filter(({ hop }) => hop.kind === "device" && hop.device === vpnInterface);
  const tables = new Set(
    byVpn.filter(({ table }) => takesEverything(observed, byVpn, table)).map(({ table }) => table),
  );
  const marks = [
    ...new Set(
      observed.rules.flatMap(({ inverted, mark, table }) =>
        inverted === true && mark !== undefined && tables.has(table) ? [mark] : []
      ),
    ),
  ];
  const addresses = tables.has("main") ? aroundMain(observed, uplink) : [];
  if (!isUp || (marks.length === 0 && addresses.length === 0)) return undefined;
  return { addresses, marks };
}

/** By a default route that is the first of its table, or by two halves in front of it. */
function takesEverything(observed: Observed, byVpn: readonly ObservedRoute[], table: ObservedRoute["table"]): boolean {
  const own = byVpn.filter((route) => route.table === table).map(({ destination }) => formatPrefix(destination));
  if (own.includes("0.0.0.0/1") && own.includes("128.0.0.0/1")) return true;
  const [first] = observed.routes
    .filter((route) => route.table === table && formatPrefix(route.destination) === "0.0.0.0/0")
    .toSorted((a, b) => a.metric - b.metric);
  return first !== undefined && byVpn.includes(first);
}

/** Single addresses by way of the Pod's router. What is on the link is the Pod network's own affair. */
function aroundMain({ routes }: Observed, uplink: Uplink): Prefix[] {
  return routes.filter(({ destination: { family, length }, table, hop, ours }) =>
    !ours && table === "main" && length === (family === 4 ? 32 : 128) &&
    hop.kind === "device" && hop.device === uplink.device && hop.via !== undefined
  ).map(({ destination }) => destination);
}
