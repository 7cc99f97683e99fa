/** Whether somebody answers, by one interface and by no other. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { isAnswer, rootQuestion } from "../health/dns_question.ts";
import type { HealthTarget } from "../health/target.ts";
import { Writer } from "../wire/bytes.ts";
import { tryConnection } from "./connection.ts";
import { AF_INET, libc, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW } from "./libc.ts";
import { reactor } from "./reactor.ts";
import { encodeSocketAddress } from "./socket_address.ts";
import { check, checkPrivileged, SocketError } from "./socket_error.ts";
import { bindToDevice, UdpSocket } from "./udp_socket.ts";

const IPPROTO_ICMP = 1;
const echoRequest = 8;
const echoReply = 0;
/** After so many packets without a pause, others get their turn although more are there. */
const mostAtOnce = 64;

/**
 * Asks `target` once, by `device` if that is given; resolves to whether it answered within `timeoutMs`.
 *
 * @throws {MissingCapabilityError} NET_RAW for ICMP
 */
export async function answers(target: HealthTarget, device: string | undefined, timeoutMs: number): Promise<boolean> {
  try {
    switch (target.kind) {
      case "icmp":
        return await answersPing(target.address, device, timeoutMs);
      case "tcp":
        return await tryConnection(target, device, timeoutMs) === "accepted";
      case "dns":
        return await answersQuestion(target, device, timeoutMs);
    }
  } catch (error) {
    // No device, no route, a firewall that says no: nothing gets there.
    if (error instanceof SocketError) return false;
    throw error;
  }
}

async function answersPing(address: Ipv4, device: string | undefined, timeoutMs: number): Promise<boolean> {
  const fd = rawSocket(device);
  reactor.add(fd);
  let isWatched = true;
  const unwatch = () => {
    if (isWatched) reactor.remove(fd);
    isWatched = false;
  };
  const timer = setTimeout(unwatch, timeoutMs);
  try {
    const id = Math.floor(Math.random() * 0x10000);
    const question = echo(id);
    const to = encodeSocketAddress({ address, port: 0 });
    check("sending", libc.sendto(fd, question, BigInt(question.length), 0, to, to.length));
    const packet = new Uint8Array(256);
    // Each ICMP packet of the Pod comes by here.
    while (isWatched && await reactor.readable(fd)) {
      for (let left = mostAtOnce; left > 0; left--) {
        const length = receive(fd, packet);
        if (length <= 0) break;
        if (isEchoReply(packet.subarray(0, length), address, id)) return true;
      }
    }
    return false;
  } finally {
    clearTimeout(timer);
    unwatch();
    libc.close(fd);
  }
}

function rawSocket(device: string | undefined): number {
  const type = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
  return bound(checkPrivileged("socket(ICMP)", "NET_RAW", libc.socket(AF_INET, type, IPPROTO_ICMP)), device);
}

function bound(fd: number, device: string | undefined): number {
  try {
    if (device !== undefined) bindToDevice(fd, device);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function receive(fd: number, packet: Uint8Array<ArrayBuffer>): number {
  return libc.recv(fd, packet, BigInt(packet.length), 0);
}

/** An echo request without data (RFC 792). */
function echo(id: number): Uint8Array<ArrayBuffer> {
  const sum = (echoRequest << 8) + id;
  const checksum = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
  return new Writer(8).u8(echoRequest).u8(0).u16(checksum).u16(id).u16(0).finish();
}

/** What a raw socket gets begins with the IPv4 header. */
function isEchoReply(packet: Uint8Array, from: Ipv4, id: number): boolean {
  const headerLength = (packet[0]! & 0xf) * 4;
  if (packet.length < headerLength + 8) return false;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  return view.getUint32(12) === from && packet[headerLength] === echoReply && view.getUint16(headerLength + 4) === id;
}

async function answersQuestion(
  to: { readonly address: Ipv4; readonly port: number },
  device: string | undefined,
  timeoutMs: number,
): Promise<boolean> {
  using socket = UdpSocket.open(device === undefined ? {} : { device });
  const timer = setTimeout(() => socket.close(), timeoutMs);
  try {
    const id = Math.floor(Math.random() * 0x10000);
    socket.send(rootQuestion(id), to);
    for (let got = await socket.receive(); got !== undefined; got = await socket.receive()) {
      if (got.address === to.address && got.port === to.port && isAnswer(got.bytes, id)) return true;
    }
    return false;
  } finally {
    clearTimeout(timer);
  }
}
