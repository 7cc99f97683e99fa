/** Addresses that are kept for certain clients, and the file that says which. */

import { AddressError } from "../addr/address_error.ts";
import { formatIpv4, type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { formatMac, parseMac } from "../addr/mac.ts";
import { contains, formatPrefix, isHostAddress, type Prefix4 } from "../addr/prefix.ts";
import { PgwError } from "../errors.ts";
import type { Requester } from "./requester.ts";

/** Who an address is kept for. */
export type ReservationKey =
  | { readonly kind: "mac"; readonly mac: Uint8Array }
  | { readonly kind: "clientId"; readonly clientId: Uint8Array }
  /** Compared without regard to case, as host names are. */
  | { readonly kind: "hostName"; readonly hostName: string };

export type Reservation = { readonly address: Ipv4; readonly key: ReservationKey };

/** One line of the file is wrong. */
export class ReservationError extends PgwError {
  constructor(readonly line: number, problem: string, cause?: unknown) {
    super(`line ${line}: ${problem}`, cause === undefined ? {} : { cause });
  }
}

/** A set of reservations, found by client. */
export class Reservations {
  readonly #byKey = new Map<string, Ipv4>();

  constructor(reservations: Iterable<Reservation>) {
    for (const { address, key } of reservations) this.#byKey.set(keyText(key), address);
  }

  /** The client identifier counts before the hardware address, and that before the host name. */
  find({ clientId, chaddr, hostName }: Requester): Ipv4 | undefined {
    if (this.#byKey.size === 0) return undefined;
    return (clientId && this.#byKey.get(keyText({ kind: "clientId", clientId }))) ??
      this.#byKey.get(keyText({ kind: "mac", mac: chaddr })) ??
      (hostName === undefined ? undefined : this.#byKey.get(keyText({ kind: "hostName", hostName })));
  }

  addresses(): Iterable<Ipv4> {
    return this.#byKey.values();
  }
}

export const noReservations = new Reservations([]);

/** What a file says: its right lines, and a sentence for each wrong one. */
export type ParsedReservations = {
  readonly reservations: readonly Reservation[];
  readonly problems: readonly ReservationError[];
};

/**
 * Parses the file: on each line an address and whom it is for, `mac=02:78:0a:2a:00:05`, `id=01:02:78:0a:2a:00:05` (the
 * bytes of the client identifier) or `name=media-0`. Empty lines and what follows `#` do not count.
 *
 * ```text
 * 172.29.0.100  name=media-0
 * 172.29.0.101  mac=02:78:0a:2a:00:05  # the printer
 * ```
 *
 * @param own addresses that no client gets: the server's, and the router's
 */
export function parseReservations(text: string, network: Prefix4, ...own: readonly Ipv4[]): ParsedReservations {
  const reservations: Reservation[] = [];
  const problems: ReservationError[] = [];
  const lines = new Map<string, number>();
  for (const [index, whole] of text.split("\n").entries()) {
    const words = whole.replace(/#.*/, "").trim().split(/\s+/);
    if (words[0] === "") continue;
    try {
      reservations.push(parseLine(words, index + 1, lines, network, own));
    } catch (error) {
      if (!(error instanceof ReservationError)) throw error;
      problems.push(error);
    }
  }
  return { reservations, problems };
}

/** @param lines where each address and each client was seen */
function parseLine(
  [addressText, who, ...rest]: readonly string[],
  line: number,
  lines: Map<string, number>,
  network: Prefix4,
  own: readonly Ipv4[],
): Reservation {
  if (addressText === undefined || who === undefined || rest.length > 0) {
    throw new ReservationError(line, "write an address and one of mac=, id= or name=");
  }
  const address = parseReservedAddress(addressText, network, own, line);
  const key = parseKey(who, line);
  for (const [text, name] of [[formatIpv4(address), formatIpv4(address)], [keyText(key), who]] as const) {
    const before = lines.get(text);
    if (before !== undefined) throw new ReservationError(line, `${name} is on line ${before} already`);
    lines.set(text, line);
  }
  return { address, key };
}

function parseReservedAddress(text: string, network: Prefix4, own: readonly Ipv4[], line: number): Ipv4 {
  if (!isIpv4(text)) throw new ReservationError(line, `'${text}' is not an IPv4 address`);
  const address = parseIpv4(text);
  if (!contains(network, address)) throw new ReservationError(line, `${text} is not in ${formatPrefix(network)}`);
  if (own.includes(address) || !isHostAddress(network, address)) {
    throw new ReservationError(
      line,
      `${text} cannot be a client's: it is the gateway's, the router's, the network's or the broadcast`,
    );
  }
  return address;
}

function parseKey(text: string, line: number): ReservationKey {
  const [, kind, value] = /^(mac|id|name)=(.+)$/.exec(text) ?? [];
  if (kind === undefined || value === undefined) {
    throw new ReservationError(line, `'${text}' is not one of mac=, id= or name=`);
  }
  if (kind === "id") {
    if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){0,254}$/.test(value)) {
      throw new ReservationError(line, `'${value}' is not a client identifier: write its bytes, such as 01:02:78:0a`);
    }
    const clientId = Uint8Array.from(value.split(":"), (byte) => Number.parseInt(byte, 16));
    return { kind: "clientId", clientId };
  }
  if (kind === "name") {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/.test(value)) {
      throw new ReservationError(line, `'${value}' is not a host name`);
    }
    return { kind: "hostName", hostName: value };
  }
  try {
    return { kind: "mac", mac: parseMac(value) };
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new ReservationError(line, error.message, error);
  }
}

function keyText(key: ReservationKey): string {
  switch (key.kind) {
    case "mac":
      return `mac=${formatMac(key.mac)}`;
    case "clientId":
      return `id=${formatMac(key.clientId)}`;
    case "hostName":
      return `name=${key.hostName.toLowerCase()}`;
  }
}
