/** Which servers are asked about names outside the cluster. */

import { parseUpstream } from "./upstream_address.ts";

export type OutsideChoice = {
  /** PGW_DNS_UPSTREAMS; undefined: the user left it to /etc/resolv.conf. */
  readonly upstreams: readonly string[] | undefined;
  /** Those of /etc/resolv.conf now. */
  readonly nameservers: readonly string[];
  /** Servers that are known to be the cluster's. */
  readonly clusterServers: readonly string[];
  /** Whether PGW_VPN_INTERFACE is set. */
  readonly hasVpn: boolean;
};

/**
 * What the user named, else what /etc/resolv.conf names. But where a VPN is the way out, a server of the cluster's must
 * not hear what clients look up outside, unless the user named it: until the VPN has written its own, there is none.
 */
export function outsideServers({ upstreams, nameservers, clusterServers, hasVpn }: OutsideChoice): readonly string[] {
  if (upstreams !== undefined) return upstreams;
  if (!hasVpn) return nameservers;
  const ofCluster = new Set(clusterServers.map(addressOf));
  return nameservers.filter((server) => !ofCluster.has(addressOf(server)));
}

function addressOf(server: string): string {
  return parseUpstream(server).address;
}
