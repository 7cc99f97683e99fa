/** IPv4 addresses: unsigned 32-bit numbers inside the program, dotted decimal at its edges. */

import { AddressError } from "./address_error.ts";

/** An IPv4 address as an unsigned 32-bit number: `172.29.0.1` is `0xac1d0001`. */
export type Ipv4 = number;

/** `0.0.0.0`: "this host", the source of a client without an address (RFC 1122 section 3.2.1.3). */
export const unspecified: Ipv4 = 0;
/** `255.255.255.255`: the limited broadcast address (RFC 919). */
export const broadcast: Ipv4 = 0xffffffff;

const octet = "(0|[1-9][0-9]{0,2})";
const dottedDecimal = new RegExp(`^${octet}\\.${octet}\\.${octet}\\.${octet}$`);

/**
 * Parses dotted decimal with four octets and no leading zeros (which some parsers take for octal).
 *
 * @throws {AddressError} when `text` is anything else
 */
export function parseIpv4(text: string): Ipv4 {
  const octets = dottedDecimal.exec(text)?.slice(1).map(Number);
  if (octets === undefined || octets.some((value) => value > 255)) {
    throw new AddressError(`'${text}' is not an IPv4 address: write four numbers from 0 to 255, such as 172.29.0.1`);
  }
  return fromOctets(octets);
}

/** Whether `text` is what {@link parseIpv4} accepts. */
export function isIpv4(text: string): boolean {
  return dottedDecimal.exec(text)?.slice(1).every((value) => Number(value) <= 255) ?? false;
}

/** Dotted decimal. */
export function formatIpv4(address: Ipv4): string {
  return toOctets(address).join(".");
}

/** The four octets in network order. */
export function toOctets(address: Ipv4): [number, number, number, number] {
  return [address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff];
}

/** The address of four octets in network order. */
export function fromOctets(octets: ArrayLike<number>): Ipv4 {
  return ((octets[0]! << 24) | (octets[1]! << 16) | (octets[2]! << 8) | octets[3]!) >>> 0;
}
