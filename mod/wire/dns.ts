/**
 * DNS messages (RFC 1035 section 4, RFC 6891) read in place: a question and a response are each read into one object
 * that is used again for the next, so that nothing is allocated per packet.
 */

export const headerLength = 12;
/** The longest name in wire form, root label included (RFC 1035 section 2.3.4). */
const maxNameLength = 255;

export const rcodes = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5, badVers: 16 } as const;
export const types = {
  a: 1,
  ns: 2,
  cname: 5,
  soa: 6,
  ptr: 12,
  hinfo: 13,
  mx: 15,
  aaaa: 28,
  srv: 33,
  opt: 41,
  ds: 43,
  dnskey: 48,
  svcb: 64,
  https: 65,
  ixfr: 251,
  axfr: 252,
  any: 255,
} as const;
export const classIn = 1;

/** Bits of the header's second 16-bit word. */
export const flags = {
  qr: 0x8000,
  opcode: 0x7800,
  tc: 0x0200,
  rd: 0x0100,
  ra: 0x0080,
  cd: 0x0010,
  rcode: 0x000f,
} as const;
/** The DO bit in the TTL field of OPT (RFC 6891 section 6.1.3). */
export const dnssecOk = 0x8000;

/** Folds ASCII upper case. Label lengths (0 to 63) stay what they are, so it folds a name in wire form as a whole. */
export const lowerCase: Uint8Array = Uint8Array.from(
  { length: 256 },
  (_, octet) => octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet,
);

export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function u32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Copies `length` bytes. For the usual short message a loop is quicker than a view and `set`. */
export function copyBytes(from: Uint8Array, fromAt: number, length: number, to: Uint8Array, toAt: number): void {
  if (length <= 256) { for (let index = 0; index < length; index++) to[toAt + index] = from[fromAt + index]!; }
  else to.set(from.subarray(fromAt, fromAt + length), toAt);
}

/** What {@link readQuery} found: one object, filled again for each packet. */
export class Query {
  /** Id and flags as they came. */
  id = 0;
  flags = 0;
  /** Offset behind the question's name, and behind the question. */
  nameEnd = 0;
  end = 0;
  type = 0;
  class = 0;
  /** Whether the query has an OPT record (RFC 6891), the payload size that it advertises, and its DO bit. */
  hasEdns = false;
  udpSize = 512;
  dnssecOk = false;
  checkingDisabled = false;
  /** Of the case-folded name, type, class, DO and CD: what a cached answer is found by. */
  hash = 0;

  /** @param seed of {@link hash}: unknown to strangers, or they could ask for names that all have one hash */
  constructor(readonly seed = 0) {}
}

/** {@link readQuery}: not a query, so no answer is due. */
export const notAQuery = -1;

/**
 * Reads the query in the first `length` bytes into `query`.
 *
 * @returns {@link notAQuery}, or the rcode that is due: `noError` when the question can be looked at. With any other
 * rcode `query.end` is the end of the question, or of the header when the question is not to be read.
 */
export function readQuery(bytes: Uint8Array, length: number, query: Query): number {
  if (length < headerLength || (bytes[2]! & 0x80) !== 0) return notAQuery;
  query.id = u16(bytes, 0);
  query.flags = u16(bytes, 2);
  query.end = headerLength;
  query.hasEdns = false;
  query.udpSize = 512;
  query.dnssecOk = false;
  if ((query.flags & flags.opcode) !== 0) return rcodes.notImp;
  // One question, no answer and no authority.
  if (u16(bytes, 4) !== 1 || u32(bytes, 6) !== 0) return rcodes.formErr;

  let hash = 0x811c9dc5 ^ query.seed; // FNV-1a
  let at = headerLength;
  for (;;) {
    const label = at < length ? bytes[at]! : maxNameLength;
    if (label > 63 || at + label >= headerLength + maxNameLength) return rcodes.formErr;
    const labelEnd = at + label;
    if (labelEnd >= length) return rcodes.formErr;
    for (; at <= labelEnd; at++) hash = Math.imul(hash ^ lowerCase[bytes[at]!]!, 0x01000193);
    if (label === 0) break;
  }
  if (at + 4 > length) return rcodes.formErr;
  query.nameEnd = at;
  query.type = u16(bytes, at);
  query.class = u16(bytes, at + 2);
  query.end = at + 4;

  const verdict = readAdditional(bytes, length, query);
  query.checkingDisabled = (query.flags & flags.cd) !== 0;
  hash = Math.imul(hash ^ query.type, 0x01000193);
  hash = Math.imul(hash ^ (query.class << 2) ^ (query.dnssecOk ? 2 : 0) ^ (query.checkingDisabled ? 1 : 0), 0x01000193);
  query.hash = (hash ^ (hash >>> 15)) >>> 0;
  return verdict;
}

function readAdditional(bytes: Uint8Array, length: number, query: Query): number {
  let at = query.end;
  for (let count = u16(bytes, 10); count > 0; count--) {
    const ownerAt = at;
    at = skipName(bytes, at, length);
    if (at < 0 || at + 10 > length) return rcodes.formErr;
    const end = at + 10 + u16(bytes, at + 8);
    if (end > length) return rcodes.formErr;
    if (u16(bytes, at) === types.opt) {
      if (query.hasEdns || at !== ownerAt + 1) return rcodes.formErr;
      query.hasEdns = true;
      query.udpSize = u16(bytes, at + 2);
      query.dnssecOk = (u16(bytes, at + 6) & dnssecOk) !== 0;
      if (bytes[at + 5] !== 0) return rcodes.badVers;
    }
    at = end;
  }
  return rcodes.noError;
}

/**
 * The offset behind the name at `at`, or -1 when it is none: cut off, over 255 bytes in full, or with a compression
 * pointer that does not point backwards (which every loop needs).
 */
export function skipName(bytes: Uint8Array, at: number, length: number): number {
  let end = -1;
  let limit = at;
  let full = 0;
  for (;;) {
    if (at >= length) return -1;
    const label = bytes[at]!;
    if (label < 0x40) {
      full += label + 1;
      if (full > maxNameLength) return -1;
      at += label + 1;
      if (label === 0) return end >= 0 ? end : (at <= length ? at : -1);
    } else {
      if (label < 0xc0 || at + 1 >= length) return -1;
      if (end < 0) end = at + 2;
      at = u16(bytes, at) & 0x3fff;
      if (at >= limit || at < headerLength) return -1;
      limit = at;
    }
  }
}

/** Appends an OPT record without options at `at` (RFC 6891 section 6.1.2) and returns the offset behind it. */
export function putOpt(
  bytes: Uint8Array,
  at: number,
  udpSize: number,
  extendedRcode: number,
  withDnssec: boolean,
): number {
  bytes[at] = 0;
  putU16(bytes, at + 1, types.opt);
  putU16(bytes, at + 3, udpSize);
  bytes[at + 5] = extendedRcode;
  bytes[at + 6] = 0;
  putU16(bytes, at + 7, withDnssec ? dnssecOk : 0);
  putU16(bytes, at + 9, 0);
  return at + 11;
}

/**
 * Text of a name for people and logs, in lower case, `.` for the root; octets that are no letter, digit, `-` or `_`
 * as `\DDD` (RFC 1035 section 5.1). {@link skipName} has accepted the name.
 */
export function formatName(bytes: Uint8Array, at: number): string {
  let text = "";
  for (let label = bytes[at]!; label > 0; label = bytes[at]!) {
    if (label >= 0xc0) {
      at = u16(bytes, at) & 0x3fff;
      continue;
    }
    for (let index = at + 1; index <= at + label; index++) {
      const character = String.fromCharCode(lowerCase[bytes[index]!]!);
      text += /[a-z0-9_-]/.test(character) ? character : `\\${String(bytes[index]).padStart(3, "0")}`;
    }
    text += ".";
    at += label + 1;
  }
  return text === "" ? "." : text;
}

/**
 * A zone or host name in wire form, case-folded, as a string of one character per octet: `cluster.local` gives
 * `\x07cluster\x05local\x00`. Undefined when `name` is not a name. A trailing dot makes no difference.
 */
export function nameToWire(name: string): string | undefined {
  const labels = name.replace(/\.$/, "").split(".").filter((label, _, all) => label !== "" || all.length > 1);
  const wire = labels.map((label) => String.fromCharCode(label.length) + label.toLowerCase()).join("") + "\0";
  const valid = labels.every((label) => /^[\x21-\x7e]{1,63}$/.test(label)) && wire.length <= maxNameLength;
  return valid ? wire : undefined;
}
