/** DHCP options: their codes, and the values inside them (RFC 2132, and the RFC beside each code). */

import { fromOctets, type Ipv4, toOctets } from "../addr/ipv4.ts";
import { mask4, type Prefix4 } from "../addr/prefix.ts";
import { hasBytes, sameBytes, WireError } from "./bytes.ts";

/** Option codes under the names of RFC 2132. */
export const optionCodes = {
  pad: 0,
  subnetMask: 1,
  router: 3,
  domainNameServer: 6,
  hostName: 12,
  domainName: 15,
  interfaceMtu: 26,
  broadcastAddress: 28,
  staticRoutes: 33,
  ntpServers: 42,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  serverIdentifier: 54,
  parameterRequestList: 55,
  message: 56,
  maximumMessageSize: 57,
  renewalTime: 58,
  rebindingTime: 59,
  clientIdentifier: 61,
  /** RFC 4039 */
  rapidCommit: 80,
  /** RFC 3046 */
  relayAgentInformation: 82,
  /** RFC 3397 */
  domainSearch: 119,
  /** RFC 3442 */
  classlessStaticRoute: 121,
  end: 255,
} as const;

/** Values of option 53, "DHCP message type". */
export const messageTypes = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;

/** The value of every option of a message by its code, in the order of the message. A Map is one too. */
export type DhcpOptions = Iterable<[code: number, value: Uint8Array]> & {
  readonly size: number;
  get(code: number): Uint8Array | undefined;
  has(code: number): boolean;
  forEach(visit: (value: Uint8Array, code: number) => void): void;
};

/** Options of a message: most have fewer. */
const usualSize = 12;

/**
 * For the few options of a message two arrays are as fast as a Map, and leave the garbage collector a tenth of what a Map
 * does, which grows by being made anew.
 */
export class OptionList implements DhcpOptions {
  readonly #codes: number[];
  readonly #values: Uint8Array[];
  /** The arrays may be longer: they are made with room for what is usual, as they would grow for much more. */
  #size = 0;

  /** @param options those that it begins with */
  constructor(options: Iterable<readonly [code: number, value: Uint8Array]> = []) {
    this.#codes = new Array(usualSize);
    this.#values = new Array(usualSize);
    if (options instanceof OptionList) this.append(options);
    else for (const [code, value] of options) this.set(code, value);
  }

  get size(): number {
    return this.#size;
  }

  get(code: number): Uint8Array | undefined {
    const index = this.#indexOf(code);
    return index < 0 ? undefined : this.#values[index];
  }

  has(code: number): boolean {
    return this.#indexOf(code) >= 0;
  }

  /** An option that is there already keeps its place. */
  set(code: number, value: Uint8Array): this {
    const index = this.#indexOf(code);
    if (index >= 0) this.#values[index] = value;
    else this.#add(code, value);
    return this;
  }

  /** @param others none of which is there */
  append(others: OptionList): this {
    for (let index = 0; index < others.#size; index++) this.#add(others.#codes[index]!, others.#values[index]!);
    return this;
  }

  delete(code: number): void {
    const index = this.#indexOf(code);
    if (index < 0) return;
    this.#codes.splice(index, 1);
    this.#values.splice(index, 1);
    this.#size--;
  }

  forEach(visit: (value: Uint8Array, code: number) => void): void {
    for (let index = 0; index < this.#size; index++) visit(this.#values[index]!, this.#codes[index]!);
  }

  *[Symbol.iterator](): Generator<[code: number, value: Uint8Array]> {
    for (let index = 0; index < this.#size; index++) yield [this.#codes[index]!, this.#values[index]!];
  }

  #indexOf(code: number): number {
    for (let index = 0; index < this.#size; index++) if (this.#codes[index] === code) return index;
    return -1;
  }

  #add(code: number, value: Uint8Array): void {
    this.#codes[this.#size] = code;
    this.#values[this.#size++] = value;
  }
}

/** Where the code of the next option is in a field, at `at` or behind pads; its `end` when there is none. */
export function nextOption(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at] === optionCodes.pad) at++;
  return at < end && bytes[at] !== optionCodes.end ? at : end;
}

/**
 * The options of a field that has each in one piece, as most messages do, where they are: a view is made of those that are
 * asked for. Most values are integers, which need none.
 */
export class EncodedOptions implements DhcpOptions {
  /** @param start of the field in `bytes`, every option of which ends before `end` */
  constructor(readonly bytes: Uint8Array, readonly start: number, readonly end: number) {}

  get size(): number {
    let size = 0;
    this.forEach(() => size++);
    return size;
  }

  get(code: number): Uint8Array | undefined {
    const at = this.#find(code);
    return at === undefined ? undefined : this.#value(at);
  }

  has(code: number): boolean {
    return this.#find(code) !== undefined;
  }

  /** The value of an option of `length` bytes as an unsigned integer. */
  integer(code: number, length: number): number | undefined {
    const at = this.#find(code);
    return at === undefined || this.bytes[at] !== length ? undefined : integer(this.bytes, at + 1, length);
  }

  /** Whether the option is there with this value. */
  holds(code: number, value: Uint8Array): boolean {
    const at = this.#find(code);
    return at !== undefined && this.bytes[at] === value.length && hasBytes(this.bytes, at + 1, value);
  }

  forEach(visit: (value: Uint8Array, code: number) => void): void {
    for (const [code, value] of this) visit(value, code);
  }

  *[Symbol.iterator](): Generator<[code: number, value: Uint8Array]> {
    const { bytes, end } = this;
    for (let at = nextOption(bytes, this.start, end); at < end; at = nextOption(bytes, at + 2 + bytes[at + 1]!, end)) {
      yield [bytes[at]!, this.#value(at + 1)];
    }
  }

  /** Where its length is. */
  #find(wanted: number): number | undefined {
    const { bytes, end } = this;
    for (let at = nextOption(bytes, this.start, end); at < end; at = nextOption(bytes, at + 2 + bytes[at + 1]!, end)) {
      if (bytes[at] === wanted) return at + 1;
    }
    return undefined;
  }

  #value(at: number): Uint8Array {
    return this.bytes.subarray(at + 1, at + 1 + this.bytes[at]!);
  }
}

// Readers. An option whose length does not suit its meaning is as good as absent: the rest of the message still counts.

export function readU8(options: DhcpOptions, code: number): number | undefined {
  return readInteger(options, code, 1);
}

export function readU16(options: DhcpOptions, code: number): number | undefined {
  return readInteger(options, code, 2);
}

export function readU32(options: DhcpOptions, code: number): number | undefined {
  return readInteger(options, code, 4);
}

function readInteger(options: DhcpOptions, code: number, length: number): number | undefined {
  if (options instanceof EncodedOptions) return options.integer(code, length);
  const value = options.get(code);
  return value?.length === length ? integer(value, 0, length) : undefined;
}

/** Whether the option is there with this value. */
export function hasValue(options: DhcpOptions, code: number, value: Uint8Array): boolean {
  if (options instanceof EncodedOptions) return options.holds(code, value);
  const held = options.get(code);
  return held !== undefined && sameBytes(held, value);
}

function integer(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let index = 0; index < length; index++) value = value * 256 + bytes[at + index]!;
  return value;
}

export function readIpv4(options: DhcpOptions, code: number): Ipv4 | undefined {
  return readU32(options, code);
}

/** A list of addresses; empty when the option is absent or not made of whole addresses. */
export function readIpv4List(options: DhcpOptions, code: number): Ipv4[] {
  const value = options.get(code);
  if (value === undefined || value.length % 4 !== 0) return [];
  return Array.from({ length: value.length / 4 }, (_, index) => fromOctets(value.subarray(4 * index)));
}

/** The length of the prefix that a subnet mask stands for; absent when its ones are not all in front. */
export function readMaskLength(options: DhcpOptions): number | undefined {
  const mask = readU32(options, optionCodes.subnetMask);
  if (mask === undefined) return undefined;
  const length = Math.clz32(~mask);
  return mask4(length) === mask ? length : undefined;
}

const hostNamePattern = /^(?=.{1,253}\.?$)[A-Za-z0-9_][A-Za-z0-9_-]{0,62}(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?$/;

/**
 * A host or domain name. It ends up in logs and in `resolv.conf`, so what is not a name by its letters is as good as
 * absent. Trailing NULs, which some send (RFC 2132 section 2), are not part of it.
 */
export function readName(options: DhcpOptions, code: number): string | undefined {
  const value = options.get(code);
  if (value === undefined || value.length > 255) return undefined;
  const text = String.fromCharCode(...value).replace(/\0+$/, "");
  return hostNamePattern.test(text) ? text : undefined;
}

/** The search list (RFC 3397), compression pointers followed; empty when absent or malformed. */
export function readDomainSearch(options: DhcpOptions): string[] {
  const value = options.get(optionCodes.domainSearch);
  if (value === undefined) return [];
  const names: string[] = [];
  let offset = 0;
  while (offset < value.length) {
    const name = readDomainName(value, offset);
    if (name === undefined || !hostNamePattern.test(name.text)) return [];
    names.push(name.text);
    offset = name.end;
  }
  return names;
}

function readDomainName(bytes: Uint8Array, start: number): { text: string; end: number } | undefined {
  const labels: string[] = [];
  let end: number | undefined;
  let offset = start;
  // A pointer may only lead backwards, so following them ends.
  let limit = bytes.length;
  while (offset < limit) {
    const length = bytes[offset]!;
    if (length === 0) return { text: labels.join("."), end: end ?? offset + 1 };
    if (length >= 0xc0) {
      if (offset + 1 >= bytes.length) return undefined;
      const target = ((length & 0x3f) << 8) | bytes[offset + 1]!;
      end ??= offset + 2;
      if (target >= start || target >= offset) return undefined;
      limit = offset;
      offset = target;
    } else {
      if (length > 63 || offset + 1 + length > bytes.length) return undefined;
      labels.push(String.fromCharCode(...bytes.subarray(offset + 1, offset + 1 + length)));
      offset += 1 + length;
    }
    if (labels.length > 127) return undefined;
  }
  return undefined;
}

/** One route of option 121. `router` 0.0.0.0 means on-link. */
export type ClasslessRoute = { readonly destination: Prefix4; readonly router: Ipv4 };

// Writers: the value of one option.

// Servers write integers into every reply; `Uint8Array.of` and `from` take some ten times as long as this.

export function u8Value(value: number): Uint8Array {
  const bytes = new Uint8Array(1);
  bytes[0] = value;
  return bytes;
}

export function u16Value(value: number): Uint8Array {
  const bytes = new Uint8Array(2);
  bytes[0] = value >>> 8;
  bytes[1] = value;
  return bytes;
}

export function u32Value(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  bytes[0] = value >>> 24;
  bytes[1] = value >>> 16;
  bytes[2] = value >>> 8;
  bytes[3] = value;
  return bytes;
}

export function ipv4Value(address: Ipv4): Uint8Array {
  return u32Value(address);
}

export function ipv4ListValue(addresses: readonly Ipv4[]): Uint8Array {
  return Uint8Array.from(addresses.flatMap(toOctets));
}

export function textValue(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/**
 * A search list without compression, which RFC 3397 leaves to the sender.
 *
 * @throws {WireError} when a name has an empty label or one of over 63 bytes
 */
export function domainSearchValue(names: readonly string[]): Uint8Array {
  return Uint8Array.from(names.flatMap((name) => {
    const labels = name.replace(/\.$/, "").split(".").map(textValue);
    if (labels.some((label) => label.length === 0 || label.length > 63)) {
      throw new WireError(`'${name}' is not a domain name: labels have 1 to 63 bytes`);
    }
    return [...labels.flatMap((label) => [label.length, ...label]), 0];
  }));
}

/** The value of option 121 (RFC 3442). */
export function classlessRoutesValue(routes: readonly ClasslessRoute[]): Uint8Array {
  return Uint8Array.from(routes.flatMap(({ destination, router }) => {
    const significant = toOctets(destination.address).slice(0, Math.ceil(destination.length / 8));
    return [destination.length, ...significant, ...toOctets(router)];
  }));
}
