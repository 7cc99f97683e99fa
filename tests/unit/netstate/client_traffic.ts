/** Packets of each kind of traffic that `docs/security.md` names, as a client Pod meets them. */

import type { ClientPhase } from "../../../mod/netstate/client.ts";
import { aroundMark } from "../../../mod/netstate/names.ts";
import { type Fate, type Pod, receive, send, type Sent } from "./packet_walk.ts";

/** `-`: there is no tunnel for it. `tunnel dns`: led to the gateway's DNS. */
export type Cell = "around" | "tunnel" | "pass" | "reject" | "drop" | "no route" | "-";

type Traffic = {
  readonly packets: readonly Sent[];
  readonly direction: "out" | "in";
  /** What there must be for such packets. */
  readonly needs?: "tunnel" | "lease";
};

const v4 = (protocol: Sent["protocol"], destination: string, more: Partial<Sent> = {}): Sent => ({
  family: 4,
  protocol,
  destination,
  ...more,
});
const v6 = (protocol: Sent["protocol"], destination: string, more: Partial<Sent> = {}): Sent => ({
  family: 6,
  protocol,
  destination,
  ...more,
});
const port = (destinationPort: number) => ({ destinationPort });
const internet = "203.0.113.9";
const internet6 = "2001:db8:9::9";
const pod = "10.42.0.5";
const pod6 = "2001:db8:42::5";
const leased = "172.29.0.20";
const gateway = "172.29.0.1";

const nestedReply = {
  in: "docker0",
  connection: "ESTABLISHED",
  connectionMark: aroundMark,
  isReply: true,
} as const;

const everythingElse: readonly Sent[] = [
  v4("tcp", internet, port(443)),
  v4("udp", internet, port(443)),
  v4("udp", internet, port(4789)),
  v4("icmp", internet, { icmpType: 8 }),
  v4("sctp", internet, port(9)),
  // The cloud's metadata, a Pod outside of PGW_LOCAL_CIDRS, the Pod's own nameserver at another port.
  v4("tcp", "169.254.169.254", port(80)),
  v4("tcp", "172.20.1.7", port(80)),
  v4("tcp", "198.51.100.53", port(853)),
  v4("udp", "224.0.0.251", port(5353)),
  v4("udp", "255.255.255.255", port(9999)),
  // The port that pgw may use for its DNS, without the mark; and with a mark of the application's own fancy.
  v4("udp", internet, { ...port(5353), mark: 1 }),
];

export const clientTraffic: ReadonlyMap<string, Traffic> = new Map<string, Traffic>([
  ["out: VXLAN to the chosen gateway", { direction: "out", packets: [v4("udp", "172.20.1.6", port(4789))] }],
  ["out: VXLAN to the next gateway", { direction: "out", packets: [v4("udp", "172.20.1.8", port(4789))] }],
  ["out: VXLAN to any other address", { direction: "out", packets: [v4("udp", "172.20.1.7", port(4789))] }],
  ["out: TCP to a candidate for a gateway, its port", {
    direction: "out",
    packets: [v4("tcp", "172.21.0.80", port(80))],
  }],
  ["out: anything else to a candidate", {
    direction: "out",
    packets: [
      v4("tcp", "172.21.0.80", port(81)),
      v4("udp", "172.21.0.80", port(80)),
      v4("icmp", "172.21.0.80", { icmpType: 8 }),
    ],
  }],
  ["out: DNS of pgw itself", {
    direction: "out",
    packets: [
      v4("udp", "10.43.0.10", { ...port(53), mark: aroundMark }),
      v4("udp", "198.51.100.53", { ...port(53), mark: aroundMark }),
      v6("udp", "2001:db8::53", { ...port(53), mark: aroundMark }),
    ],
  }],
  ["out: DHCP and probes to the gateway in the tunnel", {
    direction: "out",
    needs: "tunnel",
    packets: [
      v4("udp", gateway, { out: "vxlan3150", ...port(67) }),
      v4("udp", gateway, { out: "vxlan3150", ...port(3150) }),
      v4("udp", gateway, { out: "vxlan3150", ...port(53) }),
    ],
  }],
  ["out: broadcasts in the tunnel", {
    direction: "out",
    needs: "tunnel",
    packets: [67, 9999].map((to) => v4("udp", "255.255.255.255", { out: "vxlan3150", ...port(to) })),
  }],
  ["out: DNS of applications, any nameserver", {
    direction: "out",
    packets: ["10.43.0.10", "198.51.100.53", "203.0.113.53", "172.20.1.6"].flatMap((server) => [
      v4("udp", server, port(53)),
      v4("tcp", server, port(53)),
    ]),
  }],
  ["out: DNS of applications by IPv6, local", {
    direction: "out",
    packets: [v6("udp", "fd00::53", port(53)), v6("tcp", "fd00::53", port(53))],
  }],
  ["out: PGW_LOCAL_CIDRS", {
    direction: "out",
    packets: [
      v4("tcp", "10.1.2.3", port(80)),
      v4("udp", "10.42.0.9", port(9)),
      v4("icmp", "10.1.2.3", { icmpType: 8 }),
      v6("tcp", "fd00::1", port(80)),
    ],
  }],
  ["out: replies to inbound connections", {
    direction: "out",
    packets: [
      v4("tcp", internet, { connection: "ESTABLISHED", connectionMark: aroundMark, ...port(5555) }),
      v4("udp", internet, { connection: "ESTABLISHED", connectionMark: aroundMark, ...port(5555) }),
      v4("tcp", "172.20.1.7", { connection: "ESTABLISHED", connectionMark: aroundMark, ...port(5555) }),
      v6("tcp", internet6, { connection: "ESTABLISHED", connectionMark: aroundMark, ...port(5555) }),
      v6("udp", internet6, { connection: "ESTABLISHED", connectionMark: aroundMark, source: pod6, ...port(5555) }),
    ],
  }],
  ["out: replies by UDP over IPv6 from a socket bound to no address", {
    direction: "out",
    packets: [
      v6("udp", internet6, { connection: "ESTABLISHED", connectionMark: aroundMark, isUnbound: true, ...port(5555) }),
    ],
  }],
  ["out: replies of nested containers", {
    direction: "in",
    packets: [
      v4("tcp", internet, { ...nestedReply, source: "192.0.2.2", ...port(5555) }),
      v4("udp", "172.20.1.7", { ...nestedReply, source: "192.0.2.2", ...port(5555) }),
      v6("tcp", internet6, { ...nestedReply, source: "2001:db8:99::2", ...port(5555) }),
    ],
  }],
  ["out: ICMP errors about inbound connections", {
    direction: "out",
    packets: [
      v4("icmp", internet, { connection: "RELATED", connectionMark: aroundMark, icmpType: 3 }),
      v6("ipv6-icmp", internet6, { connection: "RELATED", connectionMark: aroundMark, icmpType: 1 }),
      v6("ipv6-icmp", "fd00::1", { connection: "RELATED", connectionMark: aroundMark, icmpType: 1 }),
    ],
  }],
  ["out: loopback and the Pod's own addresses", {
    direction: "out",
    packets: [v4("tcp", "127.0.0.1", port(53)), v4("udp", pod, port(80)), v6("tcp", "::1", port(80))],
  }],
  ["out: IPv6 neighbour discovery", {
    direction: "out",
    packets: [
      v6("ipv6-icmp", "ff02::1:ff00:1", { icmpType: 135 }),
      v6("ipv6-icmp", "fe80::1", { icmpType: 136 }),
      v6("ipv6-icmp", "ff02::2", { icmpType: 133 }),
    ],
  }],
  ["out: everything else by IPv4", { direction: "out", packets: everythingElse }],
  ["out: connections from before the Pod was closed", {
    direction: "out",
    packets: everythingElse.map((packet) => ({ ...packet, connection: "ESTABLISHED" })),
  }],
  ["out: everything else by IPv6, to the Internet", {
    direction: "out",
    packets: [
      v6("tcp", internet6, port(443)),
      v6("udp", internet6, port(53)),
      v6("ipv6-icmp", internet6, { icmpType: 128 }),
    ],
  }],
  ["out: everything else by IPv6, from a socket bound to the Pod's address", {
    direction: "out",
    packets: [
      v6("tcp", internet6, { ...port(443), source: pod6 }),
      v6("udp", internet6, { ...port(53), source: pod6 }),
      v6("tcp", internet6, { ...port(443), source: pod6, connection: "ESTABLISHED" }),
    ],
  }],
  ["out: everything else by IPv6, on the link", {
    direction: "out",
    packets: [
      v6("udp", "ff02::fb", port(5353)),
      v6("tcp", "fe80::1", port(80)),
      v6("ipv6-icmp", "ff02::1", { icmpType: 128 }),
      v6("ipv6-icmp", "ff02::1", { icmpType: 134 }),
    ],
  }],
  ["out: forwarded for nested containers", {
    direction: "in",
    packets: everythingElse.filter(({ destination }) => destination !== "255.255.255.255").map((packet) => ({
      ...packet,
      in: "docker0",
      source: "192.0.2.2",
    })),
  }],
  ["out: forwarded to PGW_LOCAL_CIDRS", {
    direction: "in",
    packets: [v4("tcp", "10.1.2.3", { ...port(80), in: "docker0", source: "192.0.2.2" })],
  }],
  ["in: connections by the Pod's own interface", {
    direction: "in",
    packets: [
      v4("tcp", pod, { in: "eth0", source: internet, ...port(8080) }),
      v4("udp", pod, { in: "eth0", source: "10.9.9.9", ...port(8080) }),
      v4("icmp", pod, { in: "eth0", source: internet, icmpType: 8 }),
      v6("tcp", pod6, { in: "eth0", source: internet6, ...port(8080) }),
    ],
  }],
  ["out: replies to connections from the tunnel, PGW_LOCAL_CIDRS included", {
    direction: "out",
    needs: "lease",
    packets: [
      v4("tcp", internet, { connection: "ESTABLISHED", source: leased, ...port(5555) }),
      v4("tcp", "10.8.0.5", { connection: "ESTABLISHED", source: leased, ...port(5555) }),
    ],
  }],
  ["in: VXLAN from the chosen gateway", {
    direction: "in",
    packets: [v4("udp", pod, { in: "eth0", source: "172.20.1.6", ...port(4789) })],
  }],
  ["in: VXLAN from the next gateway", {
    direction: "in",
    packets: [v4("udp", pod, { in: "eth0", source: "172.20.1.8", ...port(4789) })],
  }],
  ["in: VXLAN from any other address", {
    direction: "in",
    packets: [
      v4("udp", pod, { in: "eth0", source: "172.20.1.7", ...port(4789) }),
      v4("udp", pod, { in: "docker0", source: "10.42.0.9", ...port(4789), connection: "ESTABLISHED" }),
    ],
  }],
  ["in: VXLAN in the tunnel", {
    direction: "in",
    packets: [v4("udp", leased, { in: "vxlan3150", source: internet, ...port(4789), toThisHost: true })],
  }],
  ["in: DHCP and probe answers in the tunnel", {
    direction: "in",
    needs: "tunnel",
    packets: [
      ...[gateway, "172.29.0.66"].map((source) =>
        v4("udp", "255.255.255.255", { in: "vxlan3150", source, sourcePort: 67, ...port(68) })
      ),
      ...[53, 3150].map((sourcePort) =>
        v4("udp", leased, { in: "vxlan3150", source: gateway, sourcePort, ...port(40_000), toThisHost: true })
      ),
    ],
  }],
  ["in: anything else from the tunnel", {
    direction: "in",
    packets: [
      v4("tcp", leased, { in: "vxlan3150", source: internet, ...port(8080), toThisHost: true }),
      v4("tcp", leased, { in: "vxlan3150", source: gateway, ...port(8080), toThisHost: true }),
      v4("udp", leased, { in: "vxlan3150", source: "172.29.0.66", sourcePort: 67, ...port(8080), toThisHost: true }),
      v4("udp", pod, { in: "vxlan3150", source: internet, sourcePort: 3150, ...port(8080) }),
      v4("icmp", leased, { in: "vxlan3150", source: internet, icmpType: 8, toThisHost: true }),
    ],
  }],
  ["in: IPv6 from the tunnel", {
    direction: "in",
    packets: [
      v6("tcp", pod6, { in: "vxlan3150", source: internet6, ...port(8080) }),
      v6("ipv6-icmp", "ff02::1", { in: "vxlan3150", source: "fe80::1", icmpType: 134, toThisHost: true }),
    ],
  }],
]);

/** What becomes of one packet, in the words of the table. */
export function fateOf(pod: Pod, { direction, needs }: Traffic, packet: Sent, phase: ClientPhase): Cell {
  if (needs !== undefined && !(needs in phase)) return "-";
  return cell(direction === "out" ? send(pod, packet) : receive(pod, { in: "eth0", ...packet }));
}

function cell(fate: Fate): Cell {
  switch (fate.kind) {
    case "sent":
      return fate.device === "lo" ? "pass" : fate.device === "vxlan3150" ? "tunnel" : "around";
    case "delivered":
      return "pass";
    case "unroutable":
      return "no route";
    default:
      return fate.kind;
  }
}
