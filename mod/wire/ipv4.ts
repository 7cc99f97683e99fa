/** IPv4 packets (RFC 791) and the Internet checksum (RFC 1071). */

import type { Ipv4 } from "../addr/ipv4.ts";
import { Reader, WireError, type Writer } from "./bytes.ts";

export const protocols = { icmp: 1, tcp: 6, udp: 17 } as const;

export type Ipv4Packet = {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly protocol: number;
  /** Time to live, 0 to 255. */
  readonly ttl: number;
  readonly payload: Uint8Array;
};

export const ipv4HeaderLength = 20;
/** Offset and "more fragments"; "don't fragment" is no sign of one. */
const fragmentBits = 0x3fff;
const dontFragment = 0x4000;

/** The one's complement sum of the 16-bit words of `bytes`, on top of `sum`, not yet folded to 16 bits. */
export function addWords(bytes: Uint8Array, sum = 0): number {
  const even = bytes.length & ~1;
  for (let index = 0; index < even; index += 2) sum += (bytes[index]! << 8) | bytes[index + 1]!;
  return even === bytes.length ? sum : sum + (bytes[even]! << 8);
}

/** The checksum of a sum of words: its one's complement, folded to 16 bits. 0 for data that holds its own checksum. */
export function checksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

/**
 * Decodes a whole packet; padding behind it (short Ethernet frames have some) is left out of the payload.
 *
 * @throws {WireError} when it is cut short, not IPv4, a fragment, or its header checksum is wrong
 */
export function decodeIpv4(bytes: Uint8Array): Ipv4Packet {
  const reader = new Reader(bytes);
  const versionAndLength = reader.u8();
  if (versionAndLength >>> 4 !== 4) throw new WireError(`IP version ${versionAndLength >>> 4} is not 4`);
  const headerLength = 4 * (versionAndLength & 0xf);
  if (headerLength < ipv4HeaderLength) throw new WireError(`an IPv4 header of ${headerLength} bytes`);
  reader.skip(1);
  const totalLength = reader.u16();
  if (totalLength < headerLength || totalLength > bytes.length) {
    throw new WireError(`an IPv4 packet of ${totalLength} bytes in ${bytes.length}`);
  }
  reader.skip(2);
  if ((reader.u16() & fragmentBits) !== 0) throw new WireError("an IPv4 fragment");
  const ttl = reader.u8();
  const protocol = reader.u8();
  reader.skip(2);
  const source = reader.u32();
  const destination = reader.u32();
  if (checksum(addWords(bytes.subarray(0, headerLength))) !== 0) throw new WireError("wrong IPv4 header checksum");
  return { source, destination, protocol, ttl, payload: bytes.subarray(headerLength, totalLength) };
}

/** Writes the header of a packet without options that is not to be fragmented. @param length bytes of the payload */
export function writeIpv4Header(
  writer: Writer,
  { source, destination, protocol, ttl }: Omit<Ipv4Packet, "payload">,
  length: number,
): Writer {
  const versionAndLength = 0x4500;
  const totalLength = ipv4HeaderLength + length;
  const ttlAndProtocol = (ttl << 8) | protocol;
  const sum = versionAndLength + totalLength + dontFragment + ttlAndProtocol + addressWords(source) +
    addressWords(destination);
  return writer.u16(versionAndLength).u16(totalLength).u16(0).u16(dontFragment).u16(ttlAndProtocol).u16(checksum(sum))
    .u32(source).u32(destination);
}

/** The sum of an address's two words. */
export function addressWords(address: Ipv4): number {
  return (address >>> 16) + (address & 0xffff);
}
