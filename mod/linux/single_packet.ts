/** Sends one packet of either family as any program of the Pod could, to see what becomes of it. */

import type { Sending } from "../doctor/leaks.ts";
import {
  AF_INET,
  AF_INET6,
  cString,
  EINPROGRESS,
  errno,
  libc,
  SO_BINDTODEVICE,
  SO_MARK,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_STREAM,
  SOL_SOCKET,
} from "./libc.ts";
import { encodeAnySocketAddress } from "./socket_address.ts";
import { errorCode } from "./socket_error.ts";

export type SinglePacket = {
  readonly family: 4 | 6;
  /** `tcp`: a SYN; `icmp`: an echo request. */
  readonly protocol: "tcp" | "udp" | "icmp";
  /** An address of `family`. */
  readonly target: string;
  /** Ignored for `icmp`. */
  readonly port: number;
  /** Of UDP. */
  readonly payload?: Uint8Array<ArrayBuffer>;
  /** The interface that it must leave by (SO_BINDTODEVICE). */
  readonly device: string;
  /** The packet mark (SO_MARK). Needs NET_ADMIN. */
  readonly mark?: number;
};

/** ip(7), ipv6(7). */
const IPPROTO_ICMP = { 4: 1, 6: 58 } as const;
/** RFC 792, RFC 4443. */
const echoRequest = { 4: 8, 6: 128 } as const;

export function sendSinglePacket(packet: SinglePacket): Sending {
  const fd = openSocket(packet);
  if (fd < 0) return { outcome: "unmade", code: errorCode(errno()) };
  try {
    const problem = configure(fd, packet);
    if (problem !== 0) return { outcome: "unmade", code: errorCode(problem) };
    return send(fd, packet) < 0 && errno() !== EINPROGRESS
      ? { outcome: "refused", code: errorCode(errno()) }
      : { outcome: "taken" };
  } finally {
    libc.close(fd);
  }
}

function openSocket({ family, protocol }: SinglePacket): number {
  const domain = family === 4 ? AF_INET : AF_INET6;
  const flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  if (protocol === "tcp") return libc.socket(domain, SOCK_STREAM | flags, 0);
  if (protocol === "udp") return libc.socket(domain, SOCK_DGRAM | flags, 0);
  // Without NET_RAW where net.ipv4.ping_group_range has our group, as in most Pods; else with it.
  const plain = libc.socket(domain, SOCK_DGRAM | flags, IPPROTO_ICMP[family]);
  return plain >= 0 ? plain : libc.socket(domain, SOCK_RAW | flags, IPPROTO_ICMP[family]);
}

/** The number of the error; 0: none. */
function configure(fd: number, { device, mark }: SinglePacket): number {
  const name = cString(device);
  if (libc.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length) < 0) return errno();
  if (mark !== undefined && libc.setsockopt(fd, SOL_SOCKET, SO_MARK, Uint32Array.of(mark), 4) < 0) return errno();
  return 0;
}

function send(fd: number, { family, protocol, target, port, payload = new Uint8Array(1) }: SinglePacket): number {
  const to = encodeAnySocketAddress(target, protocol === "icmp" ? 0 : port);
  if (protocol === "tcp") return libc.connect(fd, to, to.length);
  const bytes = protocol === "icmp" ? echo(family) : payload;
  return libc.sendto(fd, bytes, BigInt(bytes.length), 0, to, to.length);
}

/** The kernel writes identifier and checksum, but not the checksum of an IPv4 echo on a raw socket: there it is right. */
function echo(family: 4 | 6): Uint8Array<ArrayBuffer> {
  const type = echoRequest[family];
  return family === 4 ? Uint8Array.of(type, 0, 0xf7, 0xff, 0, 0, 0, 0) : Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 0);
}
