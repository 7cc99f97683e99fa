/** One lease as a line of the journal: a JSON object, which whoever is called at night can read. */

import { type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import type { Writer } from "../wire/bytes.ts";
import { chaddrLength } from "../wire/dhcpv4.ts";
import type { LeaseRecord } from "./lease_record.ts";

const states = ["bound", "released", "declined"] as const satisfies LeaseRecord["state"][];

/**
 * A record's line, without its end, as `JSON.stringify` would: only a name can hold what must be escaped. Byte by byte,
 * because a server that writes thousands a second must leave little to the garbage collector.
 */
export function writeRecord(
  writer: Writer,
  { address, state, until, chaddr, clientId, hostName }: LeaseRecord,
): void {
  writer.ascii(literals.address);
  writeDottedDecimal(writer, address);
  writer.ascii(literals.state).ascii(state).ascii(literals.until).ascii(String(until)).ascii(literals.mac);
  writeHex(writer, chaddr);
  if (clientId !== undefined) writeHex(writer.ascii(literals.id), clientId);
  if (hostName !== undefined) writer.ascii(literals.name).put(encoder.encode(JSON.stringify(hostName)));
  writer.ascii(literals.end);
}

function writeDottedDecimal(writer: Writer, address: Ipv4): void {
  for (let shift = 24; shift >= 0; shift -= 8) {
    writer.ascii(String((address >>> shift) & 0xff));
    if (shift > 0) writer.u8(dot);
  }
}

/** With the quotation mark that ends it. */
function writeHex(writer: Writer, bytes: Uint8Array): void {
  for (let index = 0; index < bytes.length; index++) {
    if (index > 0) writer.u8(colon);
    writer.u8(hexDigits.charCodeAt(bytes[index]! >>> 4)).u8(hexDigits.charCodeAt(bytes[index]! & 0xf));
  }
  writer.u8(quote);
}

/** The record in a line, without its end; `undefined`: it is none. Nothing makes this throw. */
export function decodeRecord(line: Uint8Array): LeaseRecord | undefined {
  return readOwn(line) ?? readAny(line);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What {@link writeRecord} puts between the values. */
const literals = {
  address: `{"address":"`,
  state: `","state":"`,
  until: `","until":`,
  mac: `,"mac":"`,
  id: `,"id":"`,
  name: `,"name":`,
  end: "}",
} as const;
const hexDigits = "0123456789abcdef";
const [dot, zero, nine, colon, quote] = [0x2e, 0x30, 0x39, 0x3a, 0x22];

/**
 * A line as {@link writeRecord} writes it, byte by byte: a gateway that starts again answers nobody before it has read
 * them all, of which there may be 65,000.
 */
function readOwn(bytes: Uint8Array): LeaseRecord | undefined {
  const line = new OwnLine(bytes);
  const address = line.skip(literals.address) ? line.address() : undefined;
  const state = line.skip(literals.state) ? states.find((state) => line.skip(state)) : undefined;
  const until = line.skip(literals.until) ? line.integer() : undefined;
  const chaddr = line.skip(literals.mac) ? line.hex() : undefined;
  const clientId = line.skip(literals.id) ? line.hex() : undefined;
  const hostName = line.skip(literals.name) ? line.lastText() : undefined;
  if (address === undefined || state === undefined || until === undefined || chaddr === undefined) return undefined;
  return line.skip(literals.end) && line.isAtEnd
    ? record(address, state, until, chaddr, clientId, hostName)
    : undefined;
}

/** Any JSON that says the same: somebody edited the file. */
function readAny(bytes: Uint8Array): LeaseRecord | undefined {
  const value = parseJson(bytes);
  if (typeof value !== "object" || value === null) return undefined;
  const { address, state, until, mac, id, name } = value as Record<string, unknown>;
  const known = states.find((known) => known === state);
  if (typeof address !== "string" || !isIpv4(address) || known === undefined) return undefined;
  if (typeof until !== "number" || !Number.isFinite(until)) return undefined;
  const [chaddr, clientId] = [mac, id].map(decodeHex);
  if (chaddr === undefined || (id !== undefined && clientId === undefined)) return undefined;
  return record(parseIpv4(address), known, until, chaddr, clientId, typeof name === "string" ? name : undefined);
}

function record(
  address: Ipv4,
  state: LeaseRecord["state"],
  until: number,
  chaddr: Uint8Array,
  clientId: Uint8Array | undefined,
  hostName: string | undefined,
): LeaseRecord | undefined {
  if (chaddr.length > chaddrLength) return undefined;
  const id = clientId === undefined ? {} : { clientId };
  return { address, state, chaddr, ...id, ...(hostName === undefined ? {} : { hostName }), until };
}

function decodeHex(text: unknown): Uint8Array | undefined {
  return typeof text === "string" ? new OwnLine(encoder.encode(`${text}"`)).hex() : undefined;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}

/** With so many digits, every integer is exact. */
const mostDigits = 15;

/** Reads a line from left to right. Behind what is not as expected, nothing is read any more. */
class OwnLine {
  #at = 0;

  constructor(readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  /** Whether `literal` comes next; then it is behind. */
  skip(literal: string): boolean {
    for (let index = 0; index < literal.length; index++) {
      if (this.bytes[this.#at + index] !== literal.charCodeAt(index)) return false;
    }
    this.#at += literal.length;
    return true;
  }

  address(): Ipv4 | undefined {
    let address = 0;
    for (let octet = 0; octet < 4; octet++) {
      if (octet > 0 && !this.skip(".")) return this.#fail();
      const value = this.integer();
      if (value === undefined || value > 255) return this.#fail();
      address = 256 * address + value;
    }
    return address;
  }

  integer(): number | undefined {
    const start = this.#at;
    let value = 0;
    for (let digit = this.bytes[start]!; digit >= zero && digit <= nine; digit = this.bytes[++this.#at]!) {
      value = 10 * value + digit - zero;
    }
    const digits = this.#at - start;
    const hasLeadingZero = digits > 1 && this.bytes[start] === zero;
    return digits === 0 || digits > mostDigits || hasLeadingZero ? this.#fail() : value;
  }

  /** Bytes as {@link writeHex} writes them, up to a quotation mark that ends it. */
  hex(): Uint8Array | undefined {
    const start = this.#at;
    const end = this.bytes.indexOf(quote, start);
    const size = (end - start + 1) / 3;
    if (end < start || (end > start && !Number.isInteger(size))) return this.#fail();
    const value = new Uint8Array(end === start ? 0 : size);
    for (let index = 0; index < value.length; index++) {
      const at = start + 3 * index;
      const [high, low] = [hexDigit(this.bytes[at]!), hexDigit(this.bytes[at + 1]!)];
      if (high < 0 || low < 0 || (index > 0 && this.bytes[at - 1] !== colon)) return this.#fail();
      value[index] = 16 * high + low;
    }
    this.#at = end + 1;
    return value;
  }

  /** A JSON string that is the last value of its object. */
  lastText(): string | undefined {
    const end = this.bytes.length - 1;
    const value = parseJson(this.bytes.subarray(this.#at, end));
    if (typeof value !== "string") return this.#fail();
    this.#at = end;
    return value;
  }

  #fail(): undefined {
    this.#at = this.bytes.length + 1;
    return undefined;
  }
}

/** The value of a lower-case digit; -1 when it is none. */
function hexDigit(code: number): number {
  if (code >= zero && code <= nine) return code - zero;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
}
