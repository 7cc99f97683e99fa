/** Parsers of the values that settings have. Each takes the user's text, and throws a ValueError or an AddressError. */

import { type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { isIpv6 } from "../addr/ipv6.ts";
import { parsePrefix, type Prefix, type Prefix4, prefix4 } from "../addr/prefix.ts";
import type { ZoneRoute } from "../dns/forwarder_config.ts";
import { formatUpstream, parseUpstream } from "../dns/upstream_address.ts";
import { PgwError } from "../errors.ts";
import { parseHostName } from "./host_name.ts";
import { problemsOf, ValueError } from "./value_error.ts";

export type ParseValue<T> = (text: string) => T;

/** One of a few words. */
export function oneOf<const Word extends string>(words: readonly Word[]): ParseValue<Word> {
  return (text) => {
    const word = words.find((candidate) => candidate === text);
    if (word === undefined) throw new ValueError(`'${text}' is not one of ${words.join(", ")}`);
    return word;
  };
}

/** Values separated by blanks or commas, each once, in the user's order. The problems of all of them are reported together. */
export function listOf<T>(parse: ParseValue<T>): ParseValue<readonly T[]> {
  return (text) => {
    const values = each(text.split(/[\s,]+/).filter((part) => part !== ""), parse);
    if (values.length === 0) throw new ValueError(`'${text}' is an empty list: write at least one value`);
    return values;
  };
}

/** The values of all parts, or all their problems. Who writes one twice, in whatever form, means it once. */
function each<Part, T>(parts: readonly Part[], parse: (part: Part) => T): T[] {
  const values = new Map<string, T>();
  const problems: string[] = [];
  for (const part of parts) {
    try {
      const value = parse(part);
      values.set(JSON.stringify(value, (_, inner) => typeof inner === "bigint" ? String(inner) : inner), value);
    } catch (error) {
      if (!(error instanceof PgwError)) throw error;
      problems.push(...problemsOf(error));
    }
  }
  if (problems.length > 0) throw new ValueError(...problems);
  return [...values.values()];
}

/** A whole number in decimal from `minimum` to `maximum`. `what` is its name with an article: "a port". */
export function wholeNumber(what: string, minimum: number, maximum: number): ParseValue<number> {
  return (text) => {
    const value = /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : NaN;
    if (!(value >= minimum && value <= maximum)) {
      throw new ValueError(`'${text}' is not ${what}: write a number from ${minimum} to ${maximum}`);
    }
    return value;
  };
}

export const port: ParseValue<number> = wholeNumber("a port", 1, 65535);

/** Seconds, with decimals if the user likes, as milliseconds. */
export function secondsAsMs(minimum: number, maximum: number): ParseValue<number> {
  return (text) => {
    const seconds = /^([0-9]+(\.[0-9]*)?|\.[0-9]+)$/.test(text) ? Number(text) : NaN;
    if (!(seconds >= minimum && seconds <= maximum)) {
      throw new ValueError(
        `'${text}' is not a time in seconds: write a number from ${minimum} to ${maximum}, such as 10 or 0.3`,
      );
    }
    return Math.round(seconds * 1000);
  };
}

/** What `parse` takes, or `word`, which stands for `value`. */
export function wordOr<T>(word: string, value: T, parse: ParseValue<T>): ParseValue<T> {
  return (text) => text === word ? value : parse(text);
}

/** The overlay: three octets, as the first version of this program took them, or a CIDR with room for a few hosts. */
export function overlayNetwork(text: string): Prefix4 {
  const prefix = parsePrefix(/^[0-9]+(\.[0-9]+){2}$/.test(text) ? `${text}.0/24` : text);
  if (prefix.family === 6) {
    throw new ValueError(`'${text}' is an IPv6 network: the VXLAN network is IPv4, such as 172.29.0.0/24`);
  }
  if (prefix.length < 16 || prefix.length > 29) {
    throw new ValueError(`'${text}' is no size for the VXLAN network: the prefix length must be 16 to 29`);
  }
  const firstOctet = prefix.address >>> 24;
  if (firstOctet === 0 || firstOctet === 127 || firstOctet >= 224) {
    throw new ValueError(`'${text}' is not a network of hosts: choose one of the private ones, such as 172.29.0.0/24`);
  }
  return prefix;
}

/** CIDRs of both families; `none` is the empty list, because an empty value means the default. */
export function localPrefixes(text: string): readonly Prefix[] {
  return text === "none" ? [] : listOf(localPrefix)(text);
}

function localPrefix(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix.length === 0) {
    throw new ValueError(`'${text}' would send everything around the tunnel: write the networks that are local`);
  }
  return prefix;
}

/**
 * The name of a network interface: at most 15 bytes (IFNAMSIZ), and only such characters that neither `ip` nor
 * `iptables` reads anything else into it (`+` is a wildcard, a leading `-` an option, `%` a number to be filled in).
 */
export function interfaceName(text: string): string {
  if (!/^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,14}$/.test(text) || text === "." || text === "..") {
    throw new ValueError(
      `'${text}' is not the name of an interface: write 1 to 15 letters, digits, dots, hyphens or underscores`,
    );
  }
  return text;
}

/** `auto` is undefined: it will be found from the default route. */
export function interfaceNameOrAuto(text: string): string | undefined {
  return text === "auto" ? undefined : interfaceName(text);
}

/** The IPv4 address of one host. */
export function ipv4Address(text: string): Ipv4 {
  const address = parseIpv4(text);
  const firstOctet = address >>> 24;
  // This host, loopback, multicast, reserved, broadcast (RFC 6890).
  if (firstOctet === 0 || firstOctet === 127 || firstOctet >= 224) {
    throw new ValueError(`'${text}' is not the address of a host`);
  }
  return address;
}

/** The address of one host, of either family, as a prefix of full length. */
export function hostAddressPrefix(text: string): Prefix {
  return isIpv6(text) ? parsePrefix(text) : prefix4(ipv4Address(text), 32);
}

/** A domain without its final dot. */
export function domain(text: string): string {
  const name = parseHostName(text);
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/** A host of the overlay: its number in whatever network that is, or its address. */
export type HostOfNetwork = { readonly number: number } | { readonly address: Ipv4 };
/** The user's text of a pool, which only the network gives a meaning. */
export type PoolRange = { readonly first: HostOfNetwork; readonly last: HostOfNetwork };

/** `20-254` or `172.29.0.20-172.29.0.254`. */
export function poolRange(text: string): PoolRange {
  const ends = text.split("-").map((end) => end.trim());
  const [first, last] = ends.map(hostOfNetwork);
  if (ends.length !== 2 || first === undefined || last === undefined) {
    throw new ValueError(
      `'${text}' is not a pool: write the first and the last host, such as 20-254 or 172.29.0.20-172.29.0.254`,
    );
  }
  return { first, last };
}

function hostOfNetwork(text: string): HostOfNetwork | undefined {
  if (isIpv4(text)) return { address: parseIpv4(text) };
  return /^[1-9][0-9]{0,4}$/.test(text) ? { number: Number(text) } : undefined;
}

/** A resolver: `10.8.0.1`, `10.8.0.1:5353`, `[2001:db8::1]:53` or `tls://10.8.0.1#dns.example`, in canonical text. */
export function upstream(text: string): string {
  return formatUpstream(parseUpstream(text));
}

/** `CORP.example=10.8.0.5,10.8.0.6 lan=cluster .=outside`: a part without `=` is one more server of the zone before it. */
export function dnsRoutes(text: string): readonly ZoneRoute[] {
  const parts = text.split(/[\s,]+/).filter((part) => part !== "");
  const entries: string[][] = [];
  for (const part of parts) {
    if (part.includes("=") || entries.length === 0) entries.push([part]);
    else entries.at(-1)!.push(part);
  }
  return each(entries, dnsRoute);
}

function dnsRoute([first = "", ...more]: readonly string[]): ZoneRoute {
  const [, zone, target] = /^([^=]+)=([^=]+)$/.exec(first) ?? [];
  if (zone === undefined || target === undefined) {
    throw new ValueError(
      `'${first}' is not a route: write ZONE=SERVER, ZONE=cluster or ZONE=outside, such as corp.example=10.8.0.5`,
    );
  }
  const name = zoneName(zone);
  if (target !== "cluster" && target !== "outside") return { zone: name, servers: each([target, ...more], upstream) };
  if (more.length > 0) {
    throw new ValueError(`'${first},${more}' has a server beside the word ${target}: write one of them`);
  }
  return { zone: name, servers: target };
}

/** A domain, or `.` for all names. */
export function zoneName(text: string): string {
  return text === "." ? text : domain(text);
}
