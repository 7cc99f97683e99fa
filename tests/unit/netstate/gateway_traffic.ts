/** Packets of each kind of traffic that `docs/security.md` names, as a gateway Pod meets them. */

import { forwarderMark } from "../../../mod/netstate/names.ts";
import type { Chain } from "../../../mod/netstate/state.ts";
import type { Packet } from "./firewall_evaluator.ts";

type Met = { readonly hook: Chain["hook"]; readonly packet: Packet };

const client = "172.29.0.20";
const internet = "203.0.113.9";

function met(hook: Chain["hook"], packet: Partial<Packet>): Met {
  return {
    hook,
    packet: {
      family: 4,
      source: client,
      destination: internet,
      protocol: "tcp",
      connection: "NEW",
      mark: 0,
      connectionMark: 0,
      toThisHost: hook === "INPUT",
      ...packet,
    },
  };
}

const fromClient = { in: "vxlan3150" };
const toGateway = { in: "vxlan3150", destination: "172.29.0.1" };
const outside = { in: "eth0", source: "10.42.0.9", destination: "10.42.0.5" };
const byVpn = { in: "tun0", source: internet, destination: "10.8.0.2" };
const own = { out: "eth0", source: "10.42.0.5" };
const own6 = { family: 6, out: "eth0", source: "2001:db8:42::5", destination: "2001:db8::1" } as const;
const question = { ...own, protocol: "udp", destinationPort: 53, mark: forwarderMark } as const;

const metadata = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192"];
const forwarded = {
  in: "tun0",
  out: "vxlan3150",
  source: internet,
  destination: client,
  destinationPort: 51_413,
  translated: true,
} as const;

export const gatewayTraffic: ReadonlyMap<string, readonly Met[]> = new Map([
  ["client to the Internet by the VPN", [
    met("FORWARD", { ...fromClient, out: "tun0" }),
    met("FORWARD", { ...fromClient, out: "tun0", protocol: "udp", connection: "ESTABLISHED" }),
  ]],
  ["client to anywhere by the Pod's own interface", [
    met("FORWARD", { ...fromClient, out: "eth0" }),
    met("FORWARD", { ...fromClient, out: "eth0", destination: "10.43.0.1" }),
    met("FORWARD", { ...fromClient, out: "eth0", connection: "ESTABLISHED" }),
  ]],
  [
    "answers to clients",
    ["tun0", "eth0"].flatMap((from) =>
      (["ESTABLISHED", "RELATED"] as const).map((connection) =>
        met("FORWARD", { in: from, out: "vxlan3150", source: internet, destination: client, connection })
      )
    ),
  ],
  [
    "new connections to clients",
    ["tun0", "eth0"].map((from) =>
      met("FORWARD", { in: from, out: "vxlan3150", source: internet, destination: client })
    ),
  ],
  ["new connections by the VPN to a forwarded port", [met("FORWARD", forwarded)]],
  [
    "new connections by the VPN to any other port of a client",
    [
      met("FORWARD", { ...forwarded, destinationPort: 22 }),
      met("FORWARD", { ...forwarded, destination: "172.29.0.21" }),
      met("FORWARD", { ...forwarded, protocol: "udp" }),
      met("FORWARD", { ...forwarded, translated: false }),
      met("FORWARD", { ...forwarded, in: "eth0" }),
    ],
  ],
  ["anything forwarded from elsewhere with a client's source", [
    met("FORWARD", { ...forwarded, source: client }),
    met("FORWARD", { ...forwarded, source: "172.29.0.21" }),
    met("FORWARD", { in: "docker0", out: "tun0" }),
    met("FORWARD", { in: "eth0", out: "docker0", destination: "192.0.2.2" }),
  ]],
  ["forwarded from the VPN to anywhere but a client", [
    met("FORWARD", { ...forwarded, out: "eth0", destination: "10.43.0.1" }),
    met("FORWARD", { ...forwarded, out: "eth0", destination: "10.42.0.9", translated: false, connection: "INVALID" }),
  ]],
  ["forwarded from the Pod's own network into the VPN", [
    met("FORWARD", { in: "eth0", out: "tun0", source: "10.42.0.9" }),
  ]],
  ["anything else that is forwarded", [
    met("FORWARD", { in: "docker0", out: "tun0", source: "192.0.2.2" }),
    met("FORWARD", {
      in: "tun0",
      out: "docker0",
      source: internet,
      destination: "192.0.2.2",
      connection: "ESTABLISHED",
    }),
    met("FORWARD", { in: "eth0", out: "docker0", source: "10.42.0.9", destination: "192.0.2.2" }),
  ]],
  ["client to client", [
    met("FORWARD", { ...fromClient, out: "vxlan3150", destination: "172.29.0.21" }),
    met("FORWARD", { ...fromClient, out: "vxlan3150", destination: "172.29.0.21", connection: "ESTABLISHED" }),
  ]],
  [
    "client to the cloud's metadata by the Pod's own interface",
    metadata.map((destination) => met("FORWARD", { ...fromClient, out: "eth0", destination })),
  ],
  [
    "client to the node by the Pod's own interface",
    ["10.42.0.1", "192.0.2.10"].map((destination) => met("FORWARD", { ...fromClient, out: "eth0", destination })),
  ],
  [
    "client to metadata or the node by the VPN",
    [...metadata, "10.42.0.1"].map((destination) => met("FORWARD", { ...fromClient, out: "tun0", destination })),
  ],
  [
    "client with a source outside the overlay",
    [
      ...["tun0", "eth0"].map((out) => met("FORWARD", { ...fromClient, out, source: "10.42.0.9" })),
      ...[53, 3150].map((destinationPort) =>
        met("INPUT", { ...toGateway, source: "10.42.0.9", protocol: "udp", destinationPort })
      ),
    ],
  ],
  ["client to the gateway: DHCP, DNS, probe, ping", [
    ...[67, 53, 3150].map((destinationPort) => met("INPUT", { ...toGateway, protocol: "udp", destinationPort })),
    met("INPUT", { ...toGateway, source: "0.0.0.0", protocol: "udp", destinationPort: 67 }),
    met("INPUT", { ...toGateway, destinationPort: 53 }),
    met("INPUT", { ...toGateway, protocol: "icmp", icmpType: 8 }),
    met("INPUT", { ...fromClient, destination: "255.255.255.255", protocol: "udp", destinationPort: 67 }),
  ]],
  ["client to any other port of the gateway", [
    ...[22, 3150, 8080].map((destinationPort) => met("INPUT", { ...toGateway, destinationPort })),
    met("INPUT", { ...toGateway, protocol: "udp", destinationPort: 4789 }),
    met("INPUT", { ...fromClient, destination: "10.42.0.5", destinationPort: 3150 }),
  ]],
  ["VXLAN to the gateway by its own interface", [met("INPUT", { ...outside, protocol: "udp", destinationPort: 4789 })]],
  ["VXLAN to the gateway by the VPN", [
    met("INPUT", { ...byVpn, protocol: "udp", destinationPort: 4789 }),
    met("INPUT", { ...byVpn, destination: "10.42.0.5", protocol: "udp", destinationPort: 4789 }),
  ]],
  ["anything to the overlay's address by another interface", [
    ...[53, 67, 3150].map((destinationPort) =>
      met("INPUT", { ...outside, destination: "172.29.0.1", protocol: "udp", destinationPort })
    ),
    met("INPUT", { in: "tun0", destination: "172.29.0.1", protocol: "udp", destinationPort: 53 }),
    met("INPUT", { ...outside, destination: "172.29.0.1", destinationPort: 53 }),
  ]],
  ["the gateway's own question to its forwarder", [
    met("INPUT", { in: "lo", source: "172.29.0.1", destination: "172.29.0.1", protocol: "udp", destinationPort: 53 }),
  ]],
  ["HTTP to the gateway by its own interface", [
    met("INPUT", { ...outside, destinationPort: 3150 }),
    met("INPUT", { in: "lo", source: "127.0.0.1", destination: "127.0.0.1", destinationPort: 3150 }),
  ]],
  ["HTTP to the gateway by the VPN", [
    met("INPUT", { ...byVpn, destinationPort: 3150 }),
    met("INPUT", { ...byVpn, destination: "10.42.0.5", destinationPort: 3150 }),
  ]],
  ["anything else to the gateway by its own interface or the VPN", [
    ...[outside, byVpn].flatMap((from) => [
      met("INPUT", { ...from, destinationPort: 22 }),
      met("INPUT", { ...from, protocol: "udp", destinationPort: 53 }),
      met("INPUT", { ...from, protocol: "udp", destinationPort: 3150 }),
    ]),
  ]],
  ["the gateway's VXLAN and HTTP answers", [
    met("OUTPUT", { ...own, protocol: "udp", destinationPort: 4789 }),
    met("OUTPUT", { ...own, sourcePort: 3150, connection: "ESTABLISHED" }),
    met("OUTPUT", { out: "vxlan3150", source: "172.29.0.1", destination: client, protocol: "udp", sourcePort: 67 }),
  ]],
  ["the forwarder's question by the VPN", [
    met("OUTPUT", { ...question, out: "tun0" }),
    met("OUTPUT", { ...question, out: "lo", destination: "127.0.0.1" }),
  ]],
  ["the forwarder's question to a cluster nameserver", [met("OUTPUT", { ...question, destination: "10.96.0.10" })]],
  ["the forwarder's question elsewhere", [
    met("OUTPUT", question),
    met("OUTPUT", { ...question, destination: "10.8.0.1" }),
    met("OUTPUT", { ...question, family: 6, source: "2001:db8:42::5", destination: "2001:db8::53" }),
  ]],
  ["the VPN's own connection", [
    met("OUTPUT", { ...own, destination: "198.51.100.1", protocol: "udp", destinationPort: 1194 }),
    met("OUTPUT", {
      ...own,
      destination: "198.51.100.1",
      protocol: "udp",
      destinationPort: 1194,
      connection: "ESTABLISHED",
    }),
  ]],
  ["what the Pod sends by the VPN, to itself or to PGW_LOCAL_CIDRS", [
    met("OUTPUT", { ...own, out: "tun0", destinationPort: 443 }),
    met("OUTPUT", { ...own, out: "lo", destination: "127.0.0.1", destinationPort: 443 }),
    met("OUTPUT", { ...own, destination: "10.96.0.10", protocol: "udp", destinationPort: 53 }),
    met("OUTPUT", { ...own, family: 6, source: "2001:db8:42::5", destination: "fd00::1", destinationPort: 443 }),
    met("OUTPUT", {
      ...own,
      family: 6,
      source: "fe80::5",
      destination: "ff02::2",
      protocol: "ipv6-icmp",
      icmpType: 133,
    }),
  ]],
  ["the Pod's answers to connections from outside", [
    met("OUTPUT", { ...own, sourcePort: 8080, connection: "ESTABLISHED", isReply: true }),
    met("OUTPUT", { ...own, protocol: "icmp", icmpType: 3, connection: "RELATED", isReply: true }),
    met("OUTPUT", { ...own6, sourcePort: 8080, connection: "ESTABLISHED", isReply: true }),
  ]],
  ["anything else that the Pod sends", [
    met("OUTPUT", { ...own, destinationPort: 443 }),
    met("OUTPUT", { ...own, destinationPort: 443, connection: "ESTABLISHED" }),
    met("OUTPUT", { ...own, protocol: "udp", destinationPort: 51_820 }),
    met("OUTPUT", { ...own, destination: "198.51.100.1", destinationPort: 443 }),
    met("OUTPUT", { ...own, sourcePort: 3150 }),
    met("OUTPUT", { ...own6, destinationPort: 443 }),
  ]],
  ["IPv6 from and to the overlay", [
    met("INPUT", { family: 6, in: "vxlan3150", source: "fe80::2", destination: "fe80::1" }),
    met("FORWARD", { family: 6, in: "vxlan3150", out: "eth0", source: "fe80::2", destination: "2001:db8::1" }),
    met("FORWARD", { family: 6, in: "eth0", out: "vxlan3150", source: "2001:db8::1", destination: "fe80::2" }),
    met("OUTPUT", { family: 6, out: "vxlan3150", source: "fe80::1", destination: "fe80::2" }),
  ]],
]);
