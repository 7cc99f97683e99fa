/** What a capture saw, decoded as far as tests ask about it. Its own decoder, so that no fault of ours hides. */

export type Packet = {
  /** When the kernel saw it: milliseconds since 1970, with a fraction. */
  readonly at: number;
  /** Seen from the interface that is tapped. */
  readonly direction: "in" | "out";
  readonly sourceMac: string;
  readonly destinationMac: string;
  readonly etherType: number;
  /** 4, 6, or 0 for what is not IP (ARP). */
  readonly family: 0 | 4 | 6;
  readonly source: string;
  readonly destination: string;
  /** IP protocol (next header): 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6. A fragment but the first has no ports. */
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** ICMP and ICMPv6 type; -1 for other protocols. */
  readonly icmpType: number;
  /** What follows the TCP, UDP or ICMP header, cut at the capture's snap length. */
  readonly payload: Uint8Array;
};

export function decodeFrame(frame: Uint8Array, at: number, direction: "in" | "out"): Packet {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const base = {
    at,
    direction,
    destinationMac: mac(frame.subarray(0, 6)),
    sourceMac: mac(frame.subarray(6, 12)),
    etherType: frame.length >= 14 ? view.getUint16(12) : 0,
  };
  const body = frame.subarray(14);
  if (base.etherType === 0x0800 && body.length >= 20) return { ...base, ...ipv4(body) };
  if (base.etherType === 0x86dd && body.length >= 40) return { ...base, ...ipv6(body) };
  return { ...base, ...noIp, payload: body };
}

/** One line for a person: `IPv4 10.42.0.11 > 203.0.113.80 udp 40000 > 7007 "..."`. */
export function describe(packet: Packet): string {
  if (packet.family === 0) return `ethertype 0x${packet.etherType.toString(16)} ${packet.sourceMac}`;
  const protocol = { 1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 58: "icmpv6" }[packet.protocol] ?? `${packet.protocol}`;
  const what = packet.icmpType >= 0 ? `type ${packet.icmpType}` : `${packet.sourcePort} > ${packet.destinationPort}`;
  const text = printable(packet.payload.subarray(0, 48));
  return `IPv${packet.family} ${packet.source} > ${packet.destination} ${protocol} ${what} "${text}"`;
}

const noIp = {
  family: 0,
  source: "",
  destination: "",
  protocol: -1,
  sourcePort: 0,
  destinationPort: 0,
  icmpType: -1,
} as const;

type Network = Omit<Packet, "at" | "direction" | "sourceMac" | "destinationMac" | "etherType">;

function ipv4(header: Uint8Array): Network {
  const headerLength = ((header[0] ?? 0) & 0x0f) * 4;
  const fragmentOffset = (((header[6] ?? 0) & 0x1f) << 8) | (header[7] ?? 0);
  const protocol = header[9] ?? 0;
  return {
    family: 4,
    source: header.subarray(12, 16).join("."),
    destination: header.subarray(16, 20).join("."),
    protocol,
    ...transport(fragmentOffset === 0 ? protocol : -1, header.subarray(headerLength)),
  };
}

/** Walks over hop-by-hop, routing, destination and fragment headers (RFC 8200 section 4.1). */
function ipv6(header: Uint8Array): Network {
  let next = header[6] ?? 59;
  let rest = header.subarray(40);
  let isFirst = true;
  while ([0, 43, 44, 60].includes(next) && rest.length >= 8) {
    if (next === 44) isFirst = isFirst && (((rest[2] ?? 0) << 8 | (rest[3] ?? 0)) >> 3) === 0;
    const length = next === 44 ? 8 : ((rest[1] ?? 0) + 1) * 8;
    next = rest[0] ?? 59;
    rest = rest.subarray(length);
  }
  return {
    family: 6,
    source: ipv6Text(header.subarray(8, 24)),
    destination: ipv6Text(header.subarray(24, 40)),
    protocol: next,
    ...transport(isFirst ? next : -1, rest),
  };
}

function transport(protocol: number, bytes: Uint8Array) {
  const none = { sourcePort: 0, destinationPort: 0, icmpType: -1, payload: bytes };
  if (bytes.length < 8) return none;
  const ports = {
    sourcePort: (bytes[0] ?? 0) << 8 | (bytes[1] ?? 0),
    destinationPort: (bytes[2] ?? 0) << 8 | (bytes[3] ?? 0),
  };
  if (protocol === 17) return { ...none, ...ports, payload: bytes.subarray(8) };
  if (protocol === 6) return { ...none, ...ports, payload: bytes.subarray(((bytes[12] ?? 0x50) >> 4) * 4) };
  if (protocol === 1 || protocol === 58) return { ...none, icmpType: bytes[0] ?? -1, payload: bytes.subarray(8) };
  return none;
}

function mac(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** Canonical by way of the URL parser, which compresses as RFC 5952 asks. */
function ipv6Text(bytes: Uint8Array): string {
  const groups = [...Array(8).keys()].map((i) => ((bytes[2 * i] ?? 0) << 8 | (bytes[2 * i + 1] ?? 0)).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

function printable(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".").join("");
}
