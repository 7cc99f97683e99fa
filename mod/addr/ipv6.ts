/** IPv6 addresses: unsigned 128-bit integers inside the program, RFC 5952 text at its edges. */

import { AddressError } from "./address_error.ts";
import { isIpv4, parseIpv4 } from "./ipv4.ts";

/** An IPv6 address as an unsigned 128-bit integer. */
export type Ipv6 = bigint;

/**
 * Parses the text forms of RFC 4291 section 2.2, an embedded IPv4 address included. A zone (`%eth0`) is not part of
 * an address and is refused.
 *
 * @throws {AddressError} when `text` is anything else
 */
export function parseIpv6(text: string): Ipv6 {
  const address = readIpv6(text);
  if (address === undefined) {
    throw new AddressError(`'${text}' is not an IPv6 address: write it as in RFC 4291, such as 2001:db8::1`);
  }
  return address;
}

/** Whether `text` is what {@link parseIpv6} accepts. */
export function isIpv6(text: string): boolean {
  return readIpv6(text) !== undefined;
}

/** The canonical text of RFC 5952: lower case, the longest run of zero groups (the first of equals) as `::`. */
export function formatIpv6(address: Ipv6): string {
  const groups = Array.from({ length: 8 }, (_, index) => Number((address >> BigInt(112 - 16 * index)) & 0xffffn));
  let run = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > run.length) run = { start, length };
  }
  const hex = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (run.length === 1) return hex(groups);
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
}

function readIpv6(text: string): Ipv6 | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) => readGroups(half, index === halves.length - 1));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = tail === undefined ? head : [...head, ...Array<number>(missing).fill(0), ...tail];
  return groups.reduce((address, group) => (address << 16n) | BigInt(group), 0n);
}

/** Groups joined by colons; an IPv4 address may stand in place of the last two of the whole. */
function readGroups(text: string, isEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else if (isEnd && index === parts.length - 1 && isIpv4(part)) {
      const embedded = parseIpv4(part);
      groups.push(embedded >>> 16, embedded & 0xffff);
    } else {
      return undefined;
    }
  }
  return groups;
}
