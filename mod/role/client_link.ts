/** The tunnel that a gateway's answer makes possible, and what speaks against it. */

import { formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import { clientMac, formatMac } from "../addr/mac.ts";
import { formatPrefix, hostAddress, overlaps, prefix4 } from "../addr/prefix.ts";
import { vxlanOverhead } from "../netstate/names.ts";
import { mtuTowards, type Uplink } from "../netstate/uplink.ts";
import type { GatewayAnswer } from "./client_event.ts";
import type { ClientConfig, Link } from "./client_state.ts";

export function linkTo(config: ClientConfig, uplink: Uplink, { podAddress, info }: GatewayAnswer): Link {
  const { id, port, network } = info?.vxlan ?? config.fallback;
  const common = { remote: podAddress, id, port, mac: clientMac(uplink.address) };
  const mtu = mtuTowards(uplink, podAddress) - vxlanOverhead;
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

/** The same tunnel over `uplink`, which has changed. Whether more would fit now is not known before a gateway is asked. */
export function linkOver(uplink: Uplink, link: Link): Link {
  const { tunnel } = link;
  const mtu = Math.min(tunnel.mtu, mtuTowards(uplink, tunnel.remote) - vxlanOverhead);
  return { ...link, uplink, tunnel: { ...tunnel, mtu } };
}

export function obstacleOf(config: ClientConfig, { uplink, tunnel, network, condition }: Link): string | undefined {
  const name = `the gateway ${formatIpv4(tunnel.remote)}`;
  if (condition?.draining) return `${name} is about to stop`;
  if (condition?.healthy === false) return `${name} has no way out at present`;
  if (!isHost(tunnel.remote) || tunnel.remote === uplink.address) return `${name} is at no other Pod's address`;
  if (uplink.ownAddresses.includes(tunnel.gateway)) {
    return `${name} has the overlay address ${formatIpv4(tunnel.gateway)}, which this Pod has itself: ` +
      "choose another PGW_VXLAN_IP_NETWORK on the gateway";
  }
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

/** Whether a client can go from one to the other while packets pass: the same VXLAN but for the other end. */
export function isSameOverlay(a: Link, b: Link): boolean {
  const [one, other] = [a.tunnel, b.tunnel];
  const isSame = one.id === other.id && one.port === other.port && one.gateway === other.gateway &&
    formatPrefix(a.network) === formatPrefix(b.network);
  if (!isSame || one.remote === other.remote) return isSame;
  // Else what is known of the one gateway's MAC would be wrong for the other.
  return one.gatewayMac !== undefined && other.gatewayMac !== undefined &&
    formatMac(one.gatewayMac) === formatMac(other.gatewayMac);
}
