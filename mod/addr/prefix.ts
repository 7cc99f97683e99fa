/** Prefixes (CIDR blocks) of both families, and the arithmetic on them. */

import { AddressError } from "./address_error.ts";
import { formatIpv4, type Ipv4, isIpv4, parseIpv4 } from "./ipv4.ts";
import { formatIpv6, type Ipv6, isIpv6, parseIpv6 } from "./ipv6.ts";

/** An IPv4 prefix. The bits of `address` behind `length` are zero. */
export type Prefix4 = { readonly family: 4; readonly address: Ipv4; readonly length: number };
/** An IPv6 prefix. The bits of `address` behind `length` are zero. */
export type Prefix6 = { readonly family: 6; readonly address: Ipv6; readonly length: number };
export type Prefix = Prefix4 | Prefix6;

/** `0.0.0.0/0` */
export const everything4: Prefix4 = { family: 4, address: 0, length: 0 };
/** `::/0` */
export const everything6: Prefix6 = { family: 6, address: 0n, length: 0 };

/** The mask of an IPv4 prefix length: 24 gives `255.255.255.0`. */
export function mask4(length: number): Ipv4 {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}

/** The IPv4 prefix of `length` that holds `address`. */
export function prefix4(address: Ipv4, length: number): Prefix4 {
  return { family: 4, address: (address & mask4(length)) >>> 0, length };
}

/**
 * Parses `ADDRESS/LENGTH` of either family. An address alone is a prefix of full length.
 *
 * @throws {AddressError} when it is neither, the length is out of range, or bits behind the length are set
 */
export function parsePrefix(text: string): Prefix {
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  if (!isIpv4(address) && !isIpv6(address)) {
    throw new AddressError(`'${text}' is not a CIDR: write an address and a length, such as 10.0.0.0/8`);
  }
  const bits = isIpv4(address) ? 32 : 128;
  const length = slash < 0 ? bits : parseLength(text, text.slice(slash + 1), bits);
  const prefix: Prefix = isIpv4(address)
    ? prefix4(parseIpv4(address), length)
    : { family: 6, address: (parseIpv6(address) >> BigInt(128 - length)) << BigInt(128 - length), length };
  const given = isIpv4(address) ? parseIpv4(address) : parseIpv6(address);
  if (prefix.address !== given) {
    throw new AddressError(
      `'${text}' is not a CIDR: bits behind the prefix are set, did you mean ${formatPrefix(prefix)}?`,
    );
  }
  return prefix;
}

/** `ADDRESS/LENGTH`. */
export function formatPrefix(prefix: Prefix): string {
  return `${prefix.family === 4 ? formatIpv4(prefix.address) : formatIpv6(prefix.address)}/${prefix.length}`;
}

/** Whether `address` is in `prefix`. */
export function contains(prefix: Prefix4, address: Ipv4): boolean {
  return ((address & mask4(prefix.length)) >>> 0) === prefix.address;
}

/** Whether the two share an address: one of them then holds the other. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  if (a.family === 4 && b.family === 4) {
    const length = Math.min(a.length, b.length);
    return prefix4(a.address, length).address === prefix4(b.address, length).address;
  }
  if (a.family === 6 && b.family === 6) {
    const shift = BigInt(128 - Math.min(a.length, b.length));
    return a.address >> shift === b.address >> shift;
  }
  return false;
}

/** The first address, which names the network and is no host's (RFC 1122 section 3.2.1.3). */
export function networkAddress(prefix: Prefix4): Ipv4 {
  return prefix.address;
}

/** The last address: the directed broadcast. */
export function broadcastAddress(prefix: Prefix4): Ipv4 {
  return (prefix.address | ~mask4(prefix.length)) >>> 0;
}

/** The host with the number `index` in `prefix`: 1 in `172.29.0.0/24` is `172.29.0.1`. */
export function hostAddress(prefix: Prefix4, index: number): Ipv4 {
  return (prefix.address + index) >>> 0;
}

/** Whether a host of `prefix` can have `address`. */
export function isHostAddress(prefix: Prefix4, address: Ipv4): boolean {
  return contains(prefix, address) && address !== networkAddress(prefix) && address !== broadcastAddress(prefix);
}

function parseLength(whole: string, text: string, bits: number): number {
  const length = /^(0|[1-9][0-9]{0,2})$/.test(text) ? Number(text) : NaN;
  if (!(length <= bits)) {
    throw new AddressError(`'${whole}' is not a CIDR: the prefix length must be 0 to ${bits}`);
  }
  return length;
}
