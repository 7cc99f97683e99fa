/**
 * Sends a UDP datagram to a port again and again, as an attacker does: `inject_main.ts TARGET PORT HEX [SOURCE]`. With
 * SOURCE it claims to come from there.
 */
import { AF_INET, checked, int32, libc, SOCK_DGRAM, SOCK_FLAGS, SOCK_RAW } from "./libc.ts";

const [target = "", port, hex = "", source] = Deno.args;
const payload = Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
const address = new DataView(new ArrayBuffer(16));
address.setUint16(0, AF_INET, true);
address.setUint16(2, Number(port));
octets(target).forEach((octet, index) => address.setUint8(4 + index, octet));

const socket = source === undefined ? open(SOCK_DGRAM, 0) : openRaw();
const datagram = source === undefined ? payload : claim(source);
for (let count = 0; count < 30; count++) {
  const to = new Uint8Array(address.buffer);
  checked("sendto", libc.sendto(socket, datagram, BigInt(datagram.length), 0, to, to.length));
  await new Promise((resolve) => setTimeout(resolve, 10));
}

function openRaw(): number {
  const IPPROTO_RAW = 255;
  const IP_HDRINCL = 3;
  const raw = open(SOCK_RAW, IPPROTO_RAW);
  checked("IP_HDRINCL", libc.setsockopt(raw, 0, IP_HDRINCL, int32(1), 4));
  return raw;
}

function open(type: number, protocol: number): number {
  return checked("socket", libc.socket(AF_INET, type | SOCK_FLAGS, protocol));
}

/** IPv4 (RFC 791; the kernel fills in length, number and checksum) and UDP without a checksum (RFC 768). */
function claim(source: string): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(28 + payload.length);
  const view = new DataView(packet.buffer);
  packet.set([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17]);
  packet.set(octets(source), 12);
  packet.set(octets(target), 16);
  view.setUint16(20, 40_000);
  view.setUint16(22, Number(port));
  view.setUint16(24, 8 + payload.length);
  packet.set(payload, 28);
  return packet;
}

function octets(text: string): number[] {
  return text.split(".").map(Number);
}
