/** The tunnel that a gateway's answer makes possible, and what speaks against it. */

import { formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import { clientMac } from "../addr/mac.ts";
import { formatPrefix, hostAddress, overlaps, prefix4 } from "../addr/prefix.ts";
import type { GatewayCondition } from "../health/probe.ts";
import { vxlanOverhead } from "../netstate/names.ts";
import type { Uplink } from "../netstate/uplink.ts";
import type { CloseCause, GatewayAnswer } from "./client_event.ts";
import type { ClientConfig, Link } from "./client_state.ts";

export function linkTo(config: ClientConfig, uplink: Uplink, { podAddress, info }: GatewayAnswer): Link {
  const { id, port, network } = info?.vxlan ?? config.fallback;
  const common = { remote: podAddress, id, port, mac: clientMac(uplink.address) };
  const mtu = uplink.mtu - vxlanOverhead;
  if (info === undefined) {
    return { uplink, network, tunnel: { ...common, mtu, gateway: hostAddress(network, 1) } };
  }
  const { gateway, mac } = info.vxlan;
  return {
    uplink,
    network,
    condition: info.condition,
    tunnel: { ...common, mtu: Math.min(mtu, info.vxlan.mtu), gateway, gatewayMac: mac },
  };
}

export function obstacleOf(config: ClientConfig, { uplink, tunnel, network, condition }: Link): string | undefined {
  const name = `the gateway ${formatIpv4(tunnel.remote)}`;
  if (condition?.draining) return `${name} is about to stop`;
  if (condition?.healthy === false) return `${name} has no way out at present`;
  if (!isHost(tunnel.remote) || tunnel.remote === uplink.address) return `${name} is at no other Pod's address`;
  const local = config.net.localCidrs.find((prefix) => overlaps(prefix, network));
  if (local !== undefined) {
    return `${name} has the overlay network ${formatPrefix(network)}, which overlaps ${formatPrefix(local)} of ` +
      "PGW_LOCAL_CIDRS: choose another PGW_VXLAN_IP_NETWORK on the gateway, or local CIDRs without it";
  }
  if (overlaps(prefix4(uplink.address, 32), network) || overlaps(prefix4(tunnel.remote, 32), network)) {
    return `${name} has the overlay network ${formatPrefix(network)}, which holds Pod addresses: ` +
      "choose another PGW_VXLAN_IP_NETWORK on the gateway";
  }
  return undefined;
}

/** Whether a Pod can have the address: not `0.0.0.0/8`, the loopback's, a multicast group or what is reserved. */
export function isHost(address: Ipv4): boolean {
  const firstOctet = address >>> 24;
  return firstOctet > 0 && firstOctet < 224 && firstOctet !== 127;
}

/** Why an open Pod is closed: in a word, and for people. */
export type Loss = { readonly cause: CloseCause; readonly reason: string };

/** Why a gateway that answers is left all the same. */
export function complaintOf(
  { tunnel, condition: before }: Link,
  condition: GatewayCondition | undefined,
): Loss | undefined {
  if (condition === undefined || before === undefined) return undefined;
  const gateway = `the gateway ${formatIpv4(tunnel.remote)}`;
  if (condition.draining) return { cause: "gateway_stopping", reason: `${gateway} is about to stop` };
  if (!condition.healthy) return { cause: "gateway_unhealthy", reason: `${gateway} has lost its way out` };
  if (condition.instance !== before.instance) {
    return { cause: "gateway_restarted", reason: `${gateway} was restarted` };
  }
  return undefined;
}
