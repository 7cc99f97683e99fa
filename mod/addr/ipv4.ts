/** IPv4 addresses: unsigned 32-bit numbers inside the program, dotted decimal at its edges. */

import { AddressError } from "./address_error.ts";

/** An IPv4 address as an unsigned 32-bit number: `172.29.0.1` is `0xac1d0001`. */
export type Ipv4 = number;

/** `0.0.0.0`: "this host", the source of a client without an address (RFC 1122 section 3.2.1.3). */
export const unspecified: Ipv4 = 0;
/** `255.255.255.255`: the limited broadcast address (RFC 919). */
export const broadcast: Ipv4 = 0xffffffff;

const zero = 0x30;
const nine = 0x39;
const dot = 0x2e;

/**
 * Parses dotted decimal with four octets and no leading zeros (which some parsers take for octal).
 *
 * @throws {AddressError} when `text` is anything else
 */
export function parseIpv4(text: string): Ipv4 {
  const address = dottedDecimal(text);
  if (address === undefined) {
    throw new AddressError(`'${text}' is not an IPv4 address: write four numbers from 0 to 255, such as 172.29.0.1`);
  }
  return address;
}

/** Whether `text` is what {@link parseIpv4} accepts. */
export function isIpv4(text: string): boolean {
  return dottedDecimal(text) !== undefined;
}

/** Digit by digit: a gateway that starts reads an address for each of 65,000 leases. */
function dottedDecimal(text: string): Ipv4 | undefined {
  let address = 0;
  let octets = 0;
  for (let index = 0; index <= text.length; octets++) {
    const start = index;
    let value = 0;
    for (let code = text.charCodeAt(index); code >= zero && code <= nine; code = text.charCodeAt(++index)) {
      value = 10 * value + code - zero;
    }
    const isCanonical = index === start + 1 || (index > start && index <= start + 3 && text.charCodeAt(start) !== zero);
    const isEnd = index === text.length;
    if (!isCanonical || value > 255 || octets > 3 || (!isEnd && text.charCodeAt(index) !== dot)) return undefined;
    address = (address << 8) | value;
    index++;
  }
  return octets === 4 ? address >>> 0 : undefined;
}

/** Dotted decimal. */
export function formatIpv4(address: Ipv4): string {
  return `${address >>> 24}.${(address >>> 16) & 0xff}.${(address >>> 8) & 0xff}.${address & 0xff}`;
}

/** The four octets in network order. */
export function toOctets(address: Ipv4): [number, number, number, number] {
  return [address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff, address & 0xff];
}

/** The address of four octets in network order. */
export function fromOctets(octets: ArrayLike<number>): Ipv4 {
  return ((octets[0]! << 24) | (octets[1]! << 16) | (octets[2]! << 8) | octets[3]!) >>> 0;
}
