import type { Ipv4 } from "../addr/ipv4.ts";
import { AF_INET } from "./libc.ts";

/** One end of a UDP conversation. */
export type SocketAddress = { readonly address: Ipv4; readonly port: number };

/** The size of `sockaddr_in` (ip(7)). */
export const socketAddressSize = 16;

/** Writes `sockaddr_in` at `offset`. */
export function writeSocketAddress(view: DataView, offset: number, { address, port }: SocketAddress): void {
  view.setUint16(offset, AF_INET, true);
  view.setUint16(offset + 2, port);
  view.setUint32(offset + 4, address);
}

/** `sockaddr_in` as bytes of their own. */
export function encodeSocketAddress(to: SocketAddress): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(socketAddressSize);
  writeSocketAddress(new DataView(bytes.buffer), 0, to);
  return bytes;
}
