/** What the kernel of a gateway Pod should hold. */

import { formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import { gatewayMac } from "../addr/mac.ts";
import { formatPrefix, type Prefix, type Prefix4 } from "../addr/prefix.ts";
import { dhcpServerPort, forwarderMark, probePort, vxlanOverhead } from "./names.ts";
import type { Chain, NetState } from "./state.ts";
import type { Uplink } from "./uplink.ts";

/** What a gateway's network state depends on and never changes while it runs. */
export type GatewayNetConfig = {
  readonly device: string;
  /** VNI. */
  readonly id: number;
  /** UDP port of the underlay. */
  readonly port: number;
  readonly network: Prefix4;
  /** The gateway's own address in `network`. */
  readonly address: Ipv4;
  readonly httpPort: number;
  /** Clients' traffic leaves by this interface or not at all; absent: by whatever the Pod's routes say. */
  readonly vpnInterface?: string;
  /** Where the forwarder's questions may go around the VPN: PGW_LOCAL_CIDRS and the cluster's nameservers. */
  readonly aroundVpn: readonly Prefix[];
};

/** Everything that the kernel should hold. `interfaces`: those that forwarded packets may come in by. */
export function gatewayNetState(config: GatewayNetConfig, uplink: Uplink, interfaces: readonly string[]): NetState {
  const { device, address, network } = config;
  return {
    links: [{
      name: device,
      id: config.id,
      port: config.port,
      uplink: uplink.device,
      local: uplink.address,
      mac: gatewayMac(address),
      mtu: uplink.mtu - vxlanOverhead,
    }],
    addresses: [{ device, address, prefixLength: network.length }],
    routes: [],
    rules: [],
    // Forwarding is a property of the interface that a packet comes in by: both directions need it.
    interfaceSettings: [...new Set([...interfaces, device])].map((name) => ({
      device: name,
      forwarding: true,
      // Replies come in by the VPN from sources that the Pod's own routes may place elsewhere.
      rpFilter: 2 as const,
    })),
    firewall: {
      v4: { chains: [input4(config), output4(config), forward4(config), clampMss(config), masquerade(config)] },
      v6: { chains: overlayWithoutIpv6(config) },
    },
  };
}

/**
 * What the gateway's work needs is accepted in front of other people's rules: a VPN's own firewall in the same Pod
 * usually drops whatever it does not know. Clients reach nothing else of the gateway Pod.
 */
function input4({ device, port, httpPort, address }: GatewayNetConfig): Chain {
  const own = `${formatIpv4(address)}/32`;
  return {
    table: "filter",
    name: "PGW-INPUT",
    hook: "INPUT",
    rules: [
      `! -i ${device} -p udp -m udp --dport ${port} -j ACCEPT`,
      // The overlay's services are for the overlay: whoever asked them from elsewhere with a client's address as the
      // source would have the answer sent to that client. (No source of our own comes in by a device; by lo it does.)
      `! -s ${own} -d ${own} ! -i ${device} -j DROP`,
      `! -i ${device} -p tcp -m tcp --dport ${httpPort} -j ACCEPT`,
      ...[dhcpServerPort, 53, probePort].map((to) => `-i ${device} -p udp -m udp --dport ${to} -j ACCEPT`),
      `-i ${device} -p tcp -m tcp --dport 53 -j ACCEPT`,
      `-i ${device} -p icmp -m icmp --icmp-type 8 -j ACCEPT`,
      `-i ${device} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
      `-i ${device} -j DROP`,
    ],
  };
}

function output4(config: GatewayNetConfig): Chain {
  const { device, port, httpPort } = config;
  return {
    table: "filter",
    name: "PGW-OUTPUT",
    hook: "OUTPUT",
    rules: [
      `-o ${device} -j ACCEPT`,
      `-p udp -m udp --dport ${port} -j ACCEPT`,
      `-p tcp -m tcp --sport ${httpPort} -m conntrack --ctstate ESTABLISHED -j ACCEPT`,
      ...forwarderRules(config, 4, "icmp-admin-prohibited"),
    ],
  };
}

/** What the forwarder asks leaves by the VPN, or goes to the cluster: a VPN that is down must not show what clients ask. */
function forwarderRules({ vpnInterface, aroundVpn }: GatewayNetConfig, family: 4 | 6, rejectWith: string): string[] {
  if (vpnInterface === undefined) return [];
  const mark = `-m mark --mark 0x${forwarderMark.toString(16)}`;
  return [
    `-o lo ${mark} -j RETURN`,
    `-o ${vpnInterface} ${mark} -j RETURN`,
    ...aroundVpn.filter((prefix) => prefix.family === family).map((prefix) =>
      `-d ${formatPrefix(prefix)} ${mark} -j RETURN`
    ),
    `${mark} -j REJECT --reject-with ${rejectWith}`,
  ];
}

function forward4({ device, network, vpnInterface }: GatewayNetConfig): Chain {
  return {
    table: "filter",
    name: "PGW-FORWARD",
    hook: "FORWARD",
    rules: [
      `-i ${device} ! -s ${formatPrefix(network)} -j DROP`,
      `-i ${device} -o ${device} -j DROP`,
      // Link-local: the node's and the cloud's metadata services are no client's business.
      `-i ${device} -d 169.254.0.0/16 -j REJECT --reject-with icmp-admin-prohibited`,
      ...(vpnInterface === undefined
        ? []
        : [`-i ${device} ! -o ${vpnInterface} -j REJECT --reject-with icmp-admin-prohibited`]),
      `-i ${device} -j ACCEPT`,
      `-o ${device} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
      `-o ${device} -j DROP`,
    ],
  };
}

/** A path of smaller MTU behind the gateway must not need ICMP to be noticed (RFC 2923). */
function clampMss({ device }: GatewayNetConfig): Chain {
  return {
    table: "mangle",
    name: "PGW-FORWARD",
    hook: "FORWARD",
    rules: ["-i", "-o"].map((direction) =>
      `${direction} ${device} -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu`
    ),
  };
}

function masquerade({ device, network }: GatewayNetConfig): Chain {
  return {
    table: "nat",
    name: "PGW-POSTROUTING",
    hook: "POSTROUTING",
    rules: [
      // What the gateway asks of itself keeps its source, by which its DNS knows whom it answers.
      "-o lo -j RETURN",
      `-s ${formatPrefix(network)} ! -o ${device} -j MASQUERADE`,
    ],
  };
}

/** The overlay carries IPv4 alone. */
function overlayWithoutIpv6(config: GatewayNetConfig): Chain[] {
  const { device } = config;
  return (["INPUT", "FORWARD", "OUTPUT"] as const).map((hook) => ({
    table: "filter",
    name: `PGW-${hook}`,
    hook,
    rules: hook === "INPUT"
      ? [`-i ${device} -j DROP`]
      : hook === "OUTPUT"
      ? [`-o ${device} -j DROP`, ...forwarderRules(config, 6, "icmp6-adm-prohibited")]
      : [`-i ${device} -j DROP`, `-o ${device} -j DROP`],
  }));
}
