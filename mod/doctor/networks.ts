/** Whether the networks that are set go together with those that are there. */

import { formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import { contains, formatPrefix, overlaps, type Prefix, type Prefix4, prefix4 } from "../addr/prefix.ts";
import { vxlanOverhead } from "../netstate/names.ts";
import type { Uplink } from "../netstate/uplink.ts";
import { type Finding, ok, problem } from "./finding.ts";

/** An address of the cluster's, and what it is. */
export type ClusterAddress = { readonly what: string; readonly address: Ipv4 };

export type NetworkFacts = {
  readonly uplink: Uplink;
  /** Inside the tunnel. */
  readonly overlay: Prefix4;
  readonly localCidrs: readonly Prefix[];
  /** The API server, the nameservers: what tells where the cluster's networks are. */
  readonly cluster: readonly ClusterAddress[];
};

/** Below this, IPv6 in an application's own tunnel and many DNS answers no longer fit (RFC 8200 section 5). */
const smallestOverlayMtu = 1_280;
const linkLocal = prefix4(0xa9fe0000, 16);

/** The Pod's own interface, and what it leaves of each packet for the tunnel. */
export function checkInterface({ device, address, mtu }: Uplink): Finding {
  const overlayMtu = mtu - vxlanOverhead;
  const detail = `${device} has ${formatIpv4(address)} and an MTU of ${mtu}: ${overlayMtu} bytes inside the tunnel`;
  return overlayMtu >= smallestOverlayMtu ? ok("interface", detail) : problem(
    "interface",
    detail,
    `raise the MTU of the Pod network to ${
      smallestOverlayMtu + vxlanOverhead
    } or more: smaller packets break applications`,
  );
}

/** Whether the overlay's network is free: nothing of the cluster's may be in it. */
export function checkOverlay({ uplink, overlay, cluster }: NetworkFacts): Finding {
  const check = "overlay network";
  const clashes = [
    ...[...uplink.ownAddresses.map((address) => ({ what: "the Pod's own address", address })), ...cluster]
      .filter(({ address }) => contains(overlay, address))
      .map(({ what, address }) => `${what}, ${formatIpv4(address)}`),
    ...uplink.routes.map(({ destination }) => destination)
      .filter((destination) => destination.length > 0 && overlaps(destination, overlay))
      .map((destination) => `the route of ${uplink.device} to ${formatPrefix(destination)}`),
  ];
  const network = formatPrefix(overlay);
  return clashes.length === 0 ? ok(check, `${network} clashes with nothing of the cluster's`) : problem(
    check,
    `${network} clashes with ${clashes.join(", and ")}`,
    "choose another PGW_VXLAN_IP_NETWORK on the gateway",
  );
}

/** Whether the cluster's own networks are reached around the tunnel: else its Services do not answer. */
export function checkLocalCidrs({ uplink, localCidrs, cluster }: NetworkFacts): Finding {
  const check = "local CIDRs";
  const own = { what: "the Pod's own address", address: uplink.address };
  const outside = [own, ...cluster].filter(({ address }) =>
    !contains(linkLocal, address) && !localCidrs.some((prefix) => prefix.family === 4 && contains(prefix, address))
  );
  const listed = localCidrs.map(formatPrefix).join(" ") || "none";
  if (outside.length === 0) return ok(check, `${listed}: the cluster's addresses that are known are among them`);
  const names = outside.map(({ what, address }) => `${what}, ${formatIpv4(address)},`).join(" and ");
  const networks = new Set(outside.map(({ address }) => formatPrefix(prefix4(address, 16))));
  return problem(
    check,
    `${names} is not in PGW_LOCAL_CIDRS (${listed}), so what is beside it is looked for behind the gateway`,
    `add the cluster's network to PGW_LOCAL_CIDRS, such as ${[...networks].join(" ")}`,
  );
}
