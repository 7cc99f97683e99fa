/** The gateway's firewall: the table of `docs/security.md`, as rules. */

import { formatIpv4 } from "../addr/ipv4.ts";
import { formatPrefix, parsePrefix, prefix4 } from "../addr/prefix.ts";
import type { GatewayLearned, GatewayNetConfig, GatewayView } from "./gateway.ts";
import { dhcpServerPort, forwarderMark, probePort } from "./names.ts";
import { admitForwards, translateForwards } from "./port_forward.ts";
import { neighborDiscovery, rejection, withRules } from "./shared_rules.ts";
import type { Chain, Firewall } from "./state.ts";
import { uplinkDefault } from "./uplink.ts";

type Family = 4 | 6;

/** The rules of a gateway whose Pod is as `view` has it. */
export function gatewayFirewall(
  config: GatewayNetConfig,
  view: GatewayView,
  learned: GatewayLearned,
): { v4: Firewall; v6: Firewall } {
  return {
    v4: withRules([
      input4(config),
      output4(config, view, learned),
      forward4(config, view, learned),
      translate(config, learned),
      masquerade(config),
    ]),
    v6: withRules(overlayWithoutIpv6(config, view, learned)),
  };
}

/**
 * What the gateway's work needs is accepted in front of other people's rules: a VPN's own firewall in the same Pod
 * usually drops whatever it does not know. Clients reach nothing else of the gateway Pod.
 */
function input4({ device, port, httpPort, address, network, isolation, vpnInterface }: GatewayNetConfig): Chain {
  const own = `${formatIpv4(address)}/32`;
  const byVpn = vpnInterface === undefined ? [] : [`-i ${vpnInterface}`];
  return {
    table: "filter",
    name: "PGW-INPUT",
    hook: "INPUT",
    rules: [
      // Clients are on the cluster's side. Whoever is behind the VPN would join them, or read who they are.
      ...byVpn.map((from) => `${from} -p udp -m udp --dport ${port} -j DROP`),
      `! -i ${device} -p udp -m udp --dport ${port} -j ACCEPT`,
      // The overlay's services are for the overlay: whoever asked them from elsewhere with a client's address as the
      // source would have the answer sent to that client. (No source of our own comes in by a device; by lo it does.)
      `! -s ${own} -d ${own} ! -i ${device} -j DROP`,
      ...byVpn.map((from) => `${from} -p tcp -m tcp --dport ${httpPort} -j DROP`),
      `! -i ${device} -p tcp -m tcp --dport ${httpPort} -j ACCEPT`,
      `-i ${device} -p udp -m udp --dport ${dhcpServerPort} -j ACCEPT`,
      // Whoever has no address yet asks for one and for nothing else: an answer to a source that is not of the overlay
      // would leave by another way.
      `-i ${device} ! -s ${formatPrefix(network)} -j DROP`,
      ...[53, probePort].map((to) => `-i ${device} -p udp -m udp --dport ${to} -j ACCEPT`),
      `-i ${device} -p tcp -m tcp --dport 53 -j ACCEPT`,
      `-i ${device} -p icmp -m icmp --icmp-type 8 -j ACCEPT`,
      `-i ${device} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
      ...(isolation ? [`-i ${device} -j DROP`] : []),
    ],
  };
}

function output4(config: GatewayNetConfig, view: GatewayView, learned: GatewayLearned): Chain {
  const { device, port, httpPort } = config;
  return {
    table: "filter",
    name: "PGW-OUTPUT",
    hook: "OUTPUT",
    rules: [
      // Nearly all packets end here, as frames of the tunnel.
      `-p udp -m udp --dport ${port} -j ACCEPT`,
      `-o ${device} -j ACCEPT`,
      `-p tcp -m tcp --sport ${httpPort} -m conntrack --ctstate ESTABLISHED -j ACCEPT`,
      ...forwarderRules(config, 4),
      ...ownRules(config, view, learned, 4),
    ],
  };
}

/** What the forwarder asks leaves by the VPN, or goes to the cluster: a VPN that is down must not show what clients ask. */
function forwarderRules({ vpnInterface, aroundVpn }: GatewayNetConfig, family: Family): string[] {
  if (vpnInterface === undefined) return [];
  const mark = `-m mark --mark 0x${forwarderMark.toString(16)}`;
  return [
    `-o lo ${mark} -j RETURN`,
    `-o ${vpnInterface} ${mark} -j RETURN`,
    ...aroundVpn.filter((prefix) => prefix.family === family).map((prefix) =>
      `-d ${formatPrefix(prefix)} ${mark} -j RETURN`
    ),
    `${mark} ${rejection[family]}`,
  ];
}

/**
 * Nothing of the Pod's own leaves around the VPN but the VPN's connection, what is local, and answers. Where the user
 * did not name that connection and the VPN does not show it, as before it stands for the first time, it cannot be told
 * from anything else that the Pod sends, and no rule may stand in its way.
 */
function ownRules(config: GatewayNetConfig, view: GatewayView, learned: GatewayLearned, family: Family): string[] {
  const { vpnInterface, localCidrs, aroundVpn } = config;
  const { foundVpn } = view;
  const { endpoints } = learned;
  if (vpnInterface === undefined || (endpoints === undefined && foundVpn === undefined)) return [];
  const around = [...localCidrs, ...aroundVpn, ...(foundVpn?.addresses ?? [])];
  return [
    "-o lo -j RETURN",
    `-o ${vpnInterface} -j RETURN`,
    "-m conntrack --ctstate RELATED,ESTABLISHED --ctdir REPLY -j RETURN",
    ...(foundVpn?.marks ?? []).map((mark) => `-m mark --mark 0x${mark.toString(16)} -j RETURN`),
    ...(family === 6 ? neighborDiscovery : []),
    ...(endpoints ?? []).flatMap((endpoint) => {
      const { prefix, port, protocol } = endpoint;
      if (prefix !== undefined && prefix.family !== family) return [];
      const to = prefix === undefined ? "" : `-d ${formatPrefix(prefix)} `;
      if (protocol === undefined && port === undefined) return [`${to}-j RETURN`];
      const protocols = protocol === undefined ? ["udp", "tcp"] : [protocol];
      return protocols.map((name) =>
        port === undefined ? `${to}-p ${name} -j RETURN` : `${to}-p ${name} -m ${name} --dport ${port} -j RETURN`
      );
    }),
    ...around.filter((prefix) => prefix.family === family).map((prefix) => `-d ${formatPrefix(prefix)} -j RETURN`),
    rejection[family],
  ];
}

/** Link-local, where most clouds and nodes have their metadata, and those of Alibaba, Azure and Oracle that are not. */
const metadata = ["169.254.0.0/16", "100.100.100.200", "168.63.129.16", "192.0.0.192"].map(parsePrefix);

function forward4(config: GatewayNetConfig, { uplink }: GatewayView, { forwards }: GatewayLearned): Chain {
  const { device, network, vpnInterface, isolation, nodeAddresses } = config;
  const wayOut = vpnInterface === undefined ? `! -o ${device}` : `-o ${vpnInterface}`;
  const router = uplinkDefault(uplink)?.via;
  const node = [...(router === undefined ? [] : [prefix4(router, 32)]), ...nodeAddresses];
  const refused = new Set([...metadata, ...node].filter(({ family }) => family === 4).map(formatPrefix));
  return {
    table: "filter",
    name: "PGW-FORWARD",
    hook: "FORWARD",
    rules: [
      clampMss,
      // Nearly all packets end here: what belongs to a connection was judged by its first packet.
      `-s ${formatPrefix(network)} -i ${device} ${wayOut} -m conntrack --ctstate ESTABLISHED -j ACCEPT`,
      `! -i ${device} -o ${device} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
      `! -s ${formatPrefix(network)} -i ${device} -j DROP`,
      `-i ${device} -o ${device} -j ${isolation ? "DROP" : "ACCEPT"}`,
      ...(isolation ? [...refused].map((prefix) => `-d ${prefix} -i ${device} ${rejection[4]}`) : []),
      ...(vpnInterface === undefined ? [] : [`-i ${device} ! -o ${vpnInterface} ${rejection[4]}`]),
      `-i ${device} -j ACCEPT`,
      // Who forges it by the VPN would have a client answer another, or take what it gets for its own.
      `-s ${formatPrefix(network)} ! -i ${device} -j DROP`,
      ...(vpnInterface === undefined ? [] : admitForwards(forwards, vpnInterface, device)),
      `-o ${device} -j DROP`,
      // Forwarding is on for clients' sake. It makes no way from the VPN into the cluster, nor for neighbours into the VPN.
      ...(vpnInterface === undefined ? [] : [
        `-i ${vpnInterface} -m conntrack --ctstate INVALID,NEW -j DROP`,
        `-i ${uplink.device} -o ${vpnInterface} -m conntrack --ctstate INVALID,NEW -j DROP`,
      ]),
    ],
  };
}

/**
 * A path of smaller MTU behind the gateway must not need ICMP to be noticed (RFC 2923). Here and not in `mangle`, where
 * another chain would be on each packet's way; of whatever is forwarded, because each comparison takes time with each
 * packet, and a segment that is too big for its path is of no use to anybody.
 */
const clampMss = "-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu";

function translate({ vpnInterface }: GatewayNetConfig, { forwards }: GatewayLearned): Chain {
  return {
    table: "nat",
    name: "PGW-PREROUTING",
    hook: "PREROUTING",
    rules: vpnInterface === undefined ? [] : translateForwards(forwards, vpnInterface),
  };
}

function masquerade({ device, network, snatAddress }: GatewayNetConfig): Chain {
  const to = snatAddress === undefined ? "MASQUERADE" : `SNAT --to-source ${formatIpv4(snatAddress)}`;
  return {
    table: "nat",
    name: "PGW-POSTROUTING",
    hook: "POSTROUTING",
    rules: [
      // What the gateway asks of itself keeps its source, by which its DNS knows whom it answers.
      "-o lo -j RETURN",
      `-s ${formatPrefix(network)} ! -o ${device} -j ${to}`,
    ],
  };
}

/** The overlay carries IPv4 alone. */
function overlayWithoutIpv6(config: GatewayNetConfig, view: GatewayView, learned: GatewayLearned): Chain[] {
  const { device } = config;
  return (["INPUT", "FORWARD", "OUTPUT"] as const).map((hook) => ({
    table: "filter",
    name: `PGW-${hook}`,
    hook,
    rules: hook === "INPUT"
      ? [`-i ${device} -j DROP`]
      : hook === "OUTPUT"
      ? [`-o ${device} -j DROP`, ...forwarderRules(config, 6), ...ownRules(config, view, learned, 6)]
      : [`-i ${device} -j DROP`, `-o ${device} -j DROP`],
  }));
}
