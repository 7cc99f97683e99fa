import { type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { parseIpv6 } from "../addr/ipv6.ts";
import { AF_INET, AF_INET6 } from "./libc.ts";

/** One end of a UDP conversation. */
export type SocketAddress = { readonly address: Ipv4; readonly port: number };

/** The size of `sockaddr_in` (ip(7)). */
export const socketAddressSize = 16;

/** `sockaddr_in` as bytes of their own. */
export function encodeSocketAddress(to: SocketAddress): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(socketAddressSize);
  writeSocketAddress(bytes, to);
  return bytes;
}

/** Writes `sockaddr_in` over `bytes`. */
export function writeSocketAddress(bytes: Uint8Array, { address, port }: SocketAddress): void {
  bytes[0] = AF_INET;
  bytes[2] = port >>> 8;
  bytes[3] = port;
  bytes[4] = address >>> 24;
  bytes[5] = address >>> 16;
  bytes[6] = address >>> 8;
  bytes[7] = address;
}

/** `sockaddr_in6` (ipv6(7)). */
const socketAddress6Size = 28;

/** `sockaddr_in`, or `sockaddr_in6` where `address` is one of IPv6. */
export function encodeAnySocketAddress(address: string, port: number): Uint8Array<ArrayBuffer> {
  if (isIpv4(address)) return encodeSocketAddress({ address: parseIpv4(address), port });
  const bytes = new Uint8Array(socketAddress6Size);
  const view = new DataView(bytes.buffer);
  const number = parseIpv6(address);
  // Family, port, flow, address, scope.
  view.setUint16(0, AF_INET6, true);
  view.setUint16(2, port);
  view.setBigUint64(8, number >> 64n);
  view.setBigUint64(16, number & 0xffff_ffff_ffff_ffffn);
  return bytes;
}
