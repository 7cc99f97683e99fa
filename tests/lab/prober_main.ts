/**
 * Sends one probe of each kind every `intervalMs`, until SIGTERM; then, and at each SIGUSR1, tells the counts as JSON.
 *
 * `prober_main.ts INTERVAL_MS DOMAIN`
 */
import { AF_INET, AF_INET6, checked, cString, EINPROGRESS, errno, int32, libc } from "./libc.ts";
import { SOCK_DGRAM, SOCK_FLAGS, SOCK_RAW, SOCK_STREAM, SOL_SOCKET } from "./libc.ts";
import { type ProbeKind, probeKinds, probeMark, probePort } from "./prober.ts";
import { internet, serviceAddress } from "./topology.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const intervalMs = Number(Deno.args[0]);
const domain = Deno.args[1] ?? "";
const counts = Object.fromEntries(probeKinds.map((kind) => [kind, { tried: 0, accepted: 0 }]));

const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
/** For experiments (RFC 3692). */
const otherProtocol = 253;
const sockets = {
  udp4: socket(AF_INET, SOCK_DGRAM, 0),
  udp6: socket(AF_INET6, SOCK_DGRAM, 0),
  icmp4: socket(AF_INET, SOCK_RAW, IPPROTO_ICMP),
  icmp6: socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6),
  other4: socket(AF_INET, SOCK_RAW, otherProtocol),
  other6: socket(AF_INET6, SOCK_RAW, otherProtocol),
  bound4: boundSocket(AF_INET),
  bound6: boundSocket(AF_INET6),
};
const SO_BROADCAST = 6;
checked("SO_BROADCAST", libc.setsockopt(sockets.udp4, SOL_SOCKET, SO_BROADCAST, int32(1), 4));

const web4 = address4(internet.web.v4, probePort);
const web6 = address6(internet.web.v6, probePort);
const web4Dns = address4(internet.web.v4, 53);
const web6Raw = address6(internet.web.v6, 0);
const dns4 = address4(internet.dns.v4, 53);
const dns6 = address6(internet.dns.v6, 53);
const clusterDns = address4(serviceAddress.dns, 53);
const broadcast = address4("255.255.255.255", probePort);
const multicast4 = address4("239.255.0.1", probePort);
const multicast6 = address6("ff0e::7007", probePort);

/** Each returns true when the kernel took the packet. */
const senders: Readonly<Record<ProbeKind, (number: number) => boolean>> = {
  tcp4: () => syn(AF_INET, web4),
  udp4: (n) => send(sockets.udp4, marked("udp4", n), web4),
  icmp4: (n) => send(sockets.icmp4, echo(8, "icmp4", n), web4),
  dns4: (n) => send(sockets.udp4, question("dns4", n), dns4),
  dnsTcp4: () => syn(AF_INET, web4Dns),
  fragment4: (n) => send(sockets.udp4, marked("fragment4", n, 3_000), web4),
  broadcast: (n) => send(sockets.udp4, marked("broadcast", n), broadcast),
  multicast4: (n) => send(sockets.udp4, marked("multicast4", n), multicast4),
  bound4: (n) => send(sockets.bound4, marked("bound4", n), web4),
  boundDns4: (n) => send(sockets.bound4, question("boundDns4", n), dns4),
  other4: (n) => send(sockets.other4, marked("other4", n), web4),
  tcp6: () => syn(AF_INET6, web6),
  udp6: (n) => send(sockets.udp6, marked("udp6", n), web6),
  icmp6: (n) => send(sockets.icmp6, echo(128, "icmp6", n), web6Raw),
  dns6: (n) => send(sockets.udp6, question("dns6", n), dns6),
  fragment6: (n) => send(sockets.udp6, marked("fragment6", n, 3_000), web6),
  multicast6: (n) => send(sockets.udp6, marked("multicast6", n), multicast6),
  bound6: (n) => send(sockets.bound6, marked("bound6", n), web6),
  other6: (n) => send(sockets.other6, marked("other6", n), web6Raw),
  clusterDns: (n) => send(sockets.udp4, question("clusterDns", n), clusterDns),
};

let round = 0;
function sendAll(): void {
  for (const kind of probeKinds) {
    const count = counts[kind];
    if (count === undefined) continue;
    count.tried++;
    if (senders[kind](round)) count.accepted++;
  }
  round++;
}

sendAll();
const timer = setInterval(sendAll, intervalMs);
const tell = () => console.log(JSON.stringify(counts));
Deno.addSignalListener("SIGUSR1", tell);
Deno.addSignalListener("SIGTERM", () => {
  clearInterval(timer);
  tell();
  Deno.exit(0);
});
console.log("ready");

function socket(family: number, type: number, protocol: number): number {
  return checked("socket", libc.socket(family, type | SOCK_FLAGS, protocol));
}

/** An unprivileged program may bind a socket to an interface as well. */
function boundSocket(family: number): number {
  const SO_BINDTODEVICE = 25;
  const bound = socket(family, SOCK_DGRAM, 0);
  const device = cString("eth0");
  checked("SO_BINDTODEVICE", libc.setsockopt(bound, SOL_SOCKET, SO_BINDTODEVICE, device, device.length));
  return bound;
}

function send(socket: number, bytes: Bytes, address: Bytes): boolean {
  return libc.sendto(socket, bytes, BigInt(bytes.length), 0, address, address.length) >= 0n;
}

/** A SYN and no more: the socket is closed before an answer comes. */
function syn(family: number, address: Bytes): boolean {
  const stream = socket(family, SOCK_STREAM, 0);
  const result = libc.connect(stream, address, address.length);
  const isSent = result === 0 || errno() === EINPROGRESS;
  libc.close(stream);
  return isSent;
}

function address4(text: string, port: number): Bytes {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  bytes.set(text.split(".").map(Number), 4);
  return bytes;
}

function address6(text: string, port: number): Bytes {
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_INET6, true);
  view.setUint16(2, port);
  const [head = "", tail = ""] = text.split("::");
  const groups = (part: string) => part.split(":").filter(Boolean).map((group) => parseInt(group, 16));
  groups(head).forEach((group, i) => view.setUint16(8 + 2 * i, group));
  groups(tail).reverse().forEach((group, i) => view.setUint16(22 - 2 * i, group));
  return bytes;
}

function marked(kind: ProbeKind, number: number, length = 0): Bytes {
  return new TextEncoder().encode(`${probeMark}-${kind}-${number} `.padEnd(length, "."));
}

/** ICMP or ICMPv6 echo request; the kernel fills in the latter's checksum. */
function echo(type: number, kind: ProbeKind, number: number): Bytes {
  const payload = marked(kind, number, 56);
  const bytes = new Uint8Array(8 + payload.length);
  bytes[0] = type;
  bytes.set(payload, 8);
  const view = new DataView(bytes.buffer);
  view.setUint16(4, 0x7007);
  view.setUint16(6, number & 0xffff);
  if (type === 8) view.setUint16(2, checksum(view));
  return bytes;
}

function checksum(view: DataView): number {
  let sum = 0;
  for (let i = 0; i + 1 < view.byteLength; i += 2) sum += view.getUint16(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/** A DNS question for an A record of `pgw-probe-KIND-NUMBER.DOMAIN`. */
function question(kind: ProbeKind, number: number): Bytes {
  const labels = `${probeMark}-${kind}-${number}.${domain}`.split(".");
  const header = [number >> 8 & 0xff, number & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  const name = labels.flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  return new Uint8Array([...header, ...name, 0, 0, 1, 0, 1]);
}
