/** Ethernet II frames (RFC 894). */

import type { Mac } from "../addr/mac.ts";
import { Reader, Writer } from "./bytes.ts";

export const etherTypes = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;

export type EthernetFrame = {
  readonly destination: Mac;
  readonly source: Mac;
  readonly etherType: number;
  readonly payload: Uint8Array;
};

const ethernetHeaderLength = 14;

/** @throws {WireError} when it is shorter than a header */
export function decodeEthernet(bytes: Uint8Array): EthernetFrame {
  const reader = new Reader(bytes);
  const destination = reader.take(6);
  const source = reader.take(6);
  return { destination, source, etherType: reader.u16(), payload: reader.take(reader.remaining) };
}

export function encodeEthernet(frame: EthernetFrame): Uint8Array<ArrayBuffer> {
  return new Writer(undefined, ethernetHeaderLength + frame.payload.length)
    .put(frame.destination).put(frame.source).u16(frame.etherType).put(frame.payload).finish();
}
