/** Which servers a question goes to. Decided once per question, by the longest zone that holds its name. */

import { toOctets } from "../addr/ipv4.ts";
import { parsePrefix, type Prefix } from "../addr/prefix.ts";
import { headerLength, lowerCase, nameToWire, type Query, types } from "../wire/dns.ts";

/** Zones by their names in wire form, each with a value. */
export class RouteTable<Value> {
  readonly #zones = new Map<string, Value>();
  /** By the length of a name in wire form: whether a zone has it. */
  readonly #lengths = new Uint8Array(256);

  /** @param fallback for what is in no zone */
  constructor(readonly fallback: Value) {}

  /** Adds a zone; the first value of a zone stays. A text that is not a name is no zone. */
  add(zone: string, value: Value): void {
    const wire = nameToWire(zone);
    if (wire === undefined || this.#zones.has(wire)) return;
    this.#zones.set(wire, value);
    this.#lengths[wire.length] = 1;
  }

  /** The value for the name in a question of `message`, in any case, that ends at `nameEnd`. */
  find(message: Uint8Array, nameEnd: number): Value {
    for (let at = headerLength; at < nameEnd; at += message[at]! + 1) {
      if (this.#lengths[nameEnd - at] === 0) continue;
      let zone = "";
      for (let index = at; index < nameEnd; index++) zone += String.fromCharCode(lowerCase[message[index]!]!);
      const value = this.#zones.get(zone);
      if (value !== undefined) return value;
    }
    return this.fallback;
  }
}

/**
 * The zones that belong to the cluster: its domain, what the Pod's search list names (a search domain is looked up
 * where it came from, so that the expansions of an outside name stay here too), and the reverse zones of the local
 * networks.
 */
export function clusterZones(from: {
  readonly clusterDomain: string;
  readonly search: readonly string[];
  readonly localCidrs: readonly Prefix[];
}): string[] {
  const domains = [from.clusterDomain, ...from.search.filter((domain) => domain !== "" && domain !== ".")];
  return [...new Set([...domains, ...from.localCidrs.flatMap(reverseZones)])];
}

/** The zones below `in-addr.arpa` or `ip6.arpa` that make up `prefix`: several when it ends inside a label. */
export function reverseZones(prefix: Prefix): string[] {
  return prefix.family === 4
    ? zonesOfLabels(toOctets(prefix.address).map(String), prefix.length, 8, 10, "in-addr.arpa")
    : zonesOfLabels(prefix.address.toString(16).padStart(32, "0").split(""), prefix.length, 4, 16, "ip6.arpa");
}

/** @param labels in the order of the address, each of `bits` bits written in `radix` */
function zonesOfLabels(
  labels: readonly string[],
  length: number,
  bits: number,
  radix: number,
  parent: string,
): string[] {
  const whole = Math.floor(length / bits);
  const zone = (used: readonly string[]) => [...used.toReversed(), parent].join(".");
  if (length % bits === 0) return [zone(labels.slice(0, whole))];
  const first = Number.parseInt(labels[whole]!, radix);
  return Array.from(
    { length: 2 ** (bits - (length % bits)) },
    (_, index) => zone([...labels.slice(0, whole), (first + index).toString(radix)]),
  );
}

/**
 * Zones that no server of the outside is asked about unless a route says so: names that exist nowhere (RFC 6761
 * section 6.4, RFC 7686), or not here, and the reverse zones of addresses that are everybody's own (RFC 6303 section 4).
 */
export const nobodysZones: readonly string[] = [
  "invalid",
  "onion",
  // Firefox asks whether the network minds that it resolves names by itself: it does, for a resolver of the outside
  // would hear of the cluster's names.
  "use-application-dns.net",
  ...[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "255.255.255.255/32",
    "::/128",
    "::1/128",
    "fd00::/8",
    "fe80::/10",
  ].flatMap((network) => reverseZones(parsePrefix(network))),
];

/**
 * A question about a host with one label. What an application calls `web` is a name of the cluster that was not found
 * with any search domain, and nothing that the outside should hear of, whatever is asked about it (a browser asks for
 * HTTPS as well). Top-level domains are no hosts: all that they have is their delegation and their keys.
 */
export function isHostWithoutDomain(question: Uint8Array, { nameEnd, type }: Query): boolean {
  const label = question[headerLength]!;
  return label > 0 && headerLength + label + 2 === nameEnd &&
    type !== types.ns && type !== types.soa && type !== types.ds && type !== types.dnskey;
}
