/** Answers to clients, written into a given buffer. */

import {
  classIn,
  copyBytes,
  flags,
  headerLength,
  lowerCase,
  nameToWire,
  putOpt,
  putU16,
  putU32,
  type Query,
  rcodes,
  types,
  u16,
  u32,
} from "../wire/dns.ts";

/** The largest UDP payload that is offered and used (the DNS flag day 2020): it fits any path without fragments. */
export const udpPayload = 1232;
/** What a client without EDNS can take by UDP (RFC 1035 section 2.3.4), and what a TCP frame can carry. */
const plainUdpPayload = 512;
export const maxMessage = 65_535;
/** Bytes of OPT without options. */
export const optLength = 11;

/** The EDNS option of extended DNS errors (RFC 8914 section 2), and those in use. */
export const extendedErrorOption = 15;
export const extendedErrors = {
  other: 0,
  staleAnswer: 3,
  notReady: 14,
  blocked: 15,
  notSupported: 21,
  noReachableAuthority: 22,
  networkError: 23,
} as const;
export type ExtendedError = { readonly code: number; readonly text: string };

/** A message with its TTLs' places: offsets from `at`. */
export type Stored = {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;
  readonly ttlOffsets: Uint16Array;
  readonly ttlOffsetsAt: number;
  readonly ttlCount: number;
};

/** How many bytes the asker can take. */
export function replyLimit(query: Query, isStream: boolean): number {
  if (isStream) return maxMessage;
  return query.hasEdns ? Math.min(Math.max(query.udpSize, plainUdpPayload), udpPayload) : plainUdpPayload;
}

/**
 * Copies a stored message to `out` as the answer to `query`: the asker's id, its spelling of the name, its RD and CD,
 * TTLs less `age` seconds, OPT if it sent one. What does not fit goes as an empty answer with TC (RFC 2181 section 9).
 *
 * @param question where the asker's query is, as far as the end of its question
 * @returns the length
 */
export function writeStored(
  out: Uint8Array,
  stored: Stored,
  question: Uint8Array,
  query: Query,
  isStream: boolean,
  age: number,
): number {
  const { bytes, at, ttlOffsets, ttlOffsetsAt } = stored;
  let length = stored.length;
  const fits = length + (query.hasEdns ? optLength : 0) <= replyLimit(query, isStream);
  if (!fits) length = query.end;
  copyBytes(bytes, at + query.end, length - query.end, out, query.end);
  for (let index = headerLength; index < query.end; index++) out[index] = question[index]!;
  putU16(out, 0, query.id);
  putU16(out, 2, u16(bytes, at + 2) | (query.flags & (flags.rd | flags.cd)) | (fits ? 0 : flags.tc));
  putU16(out, 4, 1);
  if (fits) {
    putU16(out, 6, u16(bytes, at + 6));
    putU16(out, 8, u16(bytes, at + 8));
    putU16(out, 10, u16(bytes, at + 10) + (query.hasEdns ? 1 : 0));
    if (age > 0) {
      for (let index = ttlOffsetsAt, end = ttlOffsetsAt + stored.ttlCount; index < end; index++) {
        const ttlAt = ttlOffsets[index]!;
        putU32(out, ttlAt, Math.max(u32(out, ttlAt) - age, 0));
      }
    }
  } else {
    putCounts(out, 0, query);
  }
  return query.hasEdns ? putOpt(out, length, udpPayload, 0, query.dnssecOk) : length;
}

/** Sets all TTLs of the message just written: those of a stale answer (RFC 8767 section 4). */
export function overwriteTtls(out: Uint8Array, length: number, stored: Stored, ttl: number): void {
  // Truncated, it has no records: OPT is where they would be.
  if (length < stored.length) return;
  for (let index = 0; index < stored.ttlCount; index++) {
    putU32(out, stored.ttlOffsets[stored.ttlOffsetsAt + index]!, ttl);
  }
}

/**
 * An answer without records. `query.end` tells how much of the question goes back.
 *
 * @param rcode up to twelve bits: the higher ones go into OPT
 */
export function writeEmpty(
  out: Uint8Array,
  question: Uint8Array,
  query: Query,
  rcode: number,
  error?: ExtendedError,
): number {
  for (let index = headerLength; index < query.end; index++) out[index] = question[index]!;
  putU16(out, 0, query.id);
  const kept = query.flags & (flags.opcode | flags.rd | flags.cd);
  putU16(out, 2, flags.qr | flags.ra | kept | (rcode & flags.rcode));
  putU16(out, 4, query.end > headerLength ? 1 : 0);
  putCounts(out, 0, query);
  if (!query.hasEdns) return query.end;
  const end = putOpt(out, query.end, udpPayload, rcode >> 4, query.dnssecOk);
  return error === undefined ? end : appendExtendedError(out, end, error);
}

/** Adds an extended error to the OPT record that ends at `length`, and returns the new length. */
export function appendExtendedError(out: Uint8Array, length: number, { code, text }: ExtendedError): number {
  putU16(out, length - 2, 6 + text.length);
  putU16(out, length, extendedErrorOption);
  putU16(out, length + 2, 2 + text.length);
  putU16(out, length + 4, code);
  for (let index = 0; index < text.length; index++) out[length + 6 + index] = text.charCodeAt(index);
  return length + 6 + text.length;
}

/**
 * What is answered without looking anywhere: ANY (RFC 8482 section 4.2), `localhost` (RFC 6761 section 6.3),
 * `resolver.arpa` (RFC 9462 section 4: this resolver has no encrypted side, and an upstream's would be another one), zone
 * transfers and classes other than IN.
 *
 * @returns the length, or 0 when the question is an ordinary one
 */
export function writeLocal(out: Uint8Array, question: Uint8Array, query: Query): number {
  if (query.class !== classIn || query.type === types.axfr || query.type === types.ixfr) {
    return writeEmpty(out, question, query, rcodes.notImp, { code: extendedErrors.notSupported, text: "" });
  }
  if (query.type === types.any) return writeRecord(out, question, query, types.hinfo, 3789, rfc8482);
  if (isWithin(resolverArpa, question, query.nameEnd)) return writeEmpty(out, question, query, rcodes.noError);
  if (!isWithin(localhost, question, query.nameEnd)) return 0;
  if (query.type === types.a) return writeRecord(out, question, query, types.a, 604_800, loopback4);
  if (query.type === types.aaaa) return writeRecord(out, question, query, types.aaaa, 604_800, loopback6);
  return writeEmpty(out, question, query, rcodes.noError);
}

const rfc8482 = Uint8Array.from("\x07RFC8482\0", (character) => character.charCodeAt(0));
const loopback4 = Uint8Array.of(127, 0, 0, 1);
const loopback6 = Uint8Array.from({ length: 16 }, (_, index) => index === 15 ? 1 : 0);
const localhost = nameToWire("localhost")!;
const resolverArpa = nameToWire("resolver.arpa")!;

function writeRecord(
  out: Uint8Array,
  question: Uint8Array,
  query: Query,
  type: number,
  ttl: number,
  data: Uint8Array,
): number {
  let at = writeEmpty(out, question, { ...query, hasEdns: false }, rcodes.noError);
  putU16(out, at, 0xc000 | headerLength);
  putU16(out, at + 2, type);
  putU16(out, at + 4, classIn);
  putU32(out, at + 6, ttl);
  putU16(out, at + 10, data.length);
  out.set(data, at + 12);
  at += 12 + data.length;
  putCounts(out, 1, query);
  return query.hasEdns ? putOpt(out, at, udpPayload, 0, query.dnssecOk) : at;
}

function putCounts(out: Uint8Array, answers: number, query: Query): void {
  putU16(out, 6, answers);
  putU16(out, 8, 0);
  putU16(out, 10, query.hasEdns ? 1 : 0);
}

/** Whether the name that ends at `nameEnd` is `zone` (in wire form) or below it, in any case. */
function isWithin(zone: string, question: Uint8Array, nameEnd: number): boolean {
  const start = nameEnd - zone.length;
  if (start < headerLength) return false;
  for (let index = 0; index < zone.length; index++) {
    if (lowerCase[question[start + index]!] !== zone.charCodeAt(index)) return false;
  }
  // The octets could be the end of a longer label: a label must begin where they do.
  let at = headerLength;
  while (at < start) at += question[at]! + 1;
  return at === start;
}
