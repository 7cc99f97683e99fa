/** An upstream's response, read in place: whether it is one, what it says, for how long, and where its TTLs are. */

import { flags, headerLength, lowerCase, putU16, putU32, skipName, types, u16, u32 } from "../wire/dns.ts";

/** No more records than this fit into 65,535 bytes: the shortest has 11. */
const maxRecords = 5957;

/** What {@link readResponse} found: one object, filled again for each response. */
export class Response {
  /** Twelve bits: the header's four and OPT's eight (RFC 6891 section 6.1.3). */
  rcode = 0;
  /** Offset behind the question. */
  questionEnd = 0;
  /** Records of the answer section, and whether one of them has the type that was asked for. */
  answers = 0;
  hasType = false;
  /** A referral: name servers and nothing else. The upstream did not resolve the name. */
  hasAuthorityNs = false;
  /** The smallest TTL of any record, seconds; 0 when there is none. */
  minimumTtl = 0;
  /** How long the absence of what was asked for holds (RFC 2308 section 5), seconds; -1 when no SOA tells. */
  negativeTtl = -1;
  /** Offsets of the TTL fields of the records that are kept. */
  readonly ttlOffsets: Uint16Array = new Uint16Array(maxRecords);
  ttlCount = 0;
  /** Offsets of the record data of the addresses (A, AAAA) and service bindings (SVCB, HTTPS), behind their lengths. */
  readonly addressOffsets: number[] = [];
  /** The records that are kept end here: OPT, and what follows it, belongs to the hop between us and the upstream. */
  end = 0;
  additionals = 0;
  hasEdns = false;
  /** Where OPT's options are, if there is OPT. */
  optionsAt = 0;
  optionsEnd = 0;
}

/**
 * Reads the response in the first `length` bytes: every record within bounds, every name that may be compressed valid.
 *
 * @returns false when it is not a well-formed response to one question
 */
export function readResponse(bytes: Uint8Array, length: number, response: Response): boolean {
  if (length < headerLength || u16(bytes, 4) !== 1) return false;
  const questionNameEnd = skipName(bytes, headerLength, length);
  if (questionNameEnd < 0 || questionNameEnd + 4 > length) return false;
  response.rcode = u16(bytes, 2) & flags.rcode;
  response.questionEnd = questionNameEnd + 4;
  response.answers = u16(bytes, 6);
  response.hasType = false;
  response.hasAuthorityNs = false;
  response.minimumTtl = 0xffffffff;
  response.negativeTtl = -1;
  response.ttlCount = 0;
  response.addressOffsets.length = 0;
  response.additionals = 0;
  response.hasEdns = false;
  response.end = response.questionEnd;
  const asked = u16(bytes, questionNameEnd);
  for (let section = 0; section < 3; section++) {
    for (let count = u16(bytes, 6 + 2 * section); count > 0; count--) {
      if (!readRecord(bytes, length, section, asked, response)) return false;
      if (response.hasEdns) return finish(response);
    }
  }
  return finish(response);
}

function finish(response: Response): true {
  if (response.ttlCount === 0) response.minimumTtl = 0;
  return true;
}

function readRecord(bytes: Uint8Array, length: number, section: number, asked: number, response: Response): boolean {
  const start = response.end;
  const at = skipName(bytes, start, length);
  if (at < 0 || at + 10 > length) return false;
  const type = u16(bytes, at);
  const data = at + 10;
  const end = data + u16(bytes, at + 8);
  if (end > length) return false;
  if (type === types.opt) {
    if (section !== 2 || at !== start + 1) return false;
    response.hasEdns = true;
    response.rcode |= bytes[at + 4]! << 4;
    response.optionsAt = data;
    response.optionsEnd = end;
    return true;
  }
  if (!dataIsValid(bytes, type, data, end)) return false;
  const ttl = effectiveTtl(u32(bytes, at + 4));
  response.minimumTtl = Math.min(response.minimumTtl, ttl);
  response.ttlOffsets[response.ttlCount++] = at + 4;
  response.end = end;
  if (section === 0) {
    if (type === asked || asked === types.any) response.hasType = true;
    if (type === types.a || type === types.aaaa || type === types.svcb || type === types.https) {
      response.addressOffsets.push(data);
    }
  } else if (section === 1) {
    if (type === types.soa) response.negativeTtl = Math.min(ttl, effectiveTtl(u32(bytes, end - 4)));
    if (type === types.ns) response.hasAuthorityNs = true;
  } else {
    response.additionals++;
  }
  return true;
}

/** A TTL with the highest bit set counts as zero (RFC 2181 section 8). */
function effectiveTtl(ttl: number): number {
  return ttl > 0x7fffffff ? 0 : ttl;
}

/** Whether the data of the types of RFC 1035 and of SRV, whose names may be compressed, ends where it says. */
function dataIsValid(bytes: Uint8Array, type: number, data: number, end: number): boolean {
  switch (type) {
    case types.a:
      return end - data === 4;
    case types.aaaa:
      return end - data === 16;
    case types.cname:
    case types.ns:
    case types.ptr:
      return skipName(bytes, data, end) === end;
    case types.mx:
      return end - data > 2 && skipName(bytes, data + 2, end) === end;
    case types.srv:
      return end - data > 6 && skipName(bytes, data + 6, end) === end;
    case types.soa: {
      const mailbox = skipName(bytes, data, end);
      return mailbox > 0 && skipName(bytes, mailbox, end) === end - 20;
    }
    default:
      return true;
  }
}

export type TtlLimits = {
  /** Seconds. What an upstream says counts as at least, and at most, this. */
  readonly minimum: number;
  readonly maximum: number;
  /** How long an absence is believed at most (RFC 2308 section 5 suggests one to three hours). */
  readonly negativeMaximum: number;
};

/**
 * Makes what `bytes` holds fit for any client, in place: our flags instead of the upstream's (AD is cleared: nothing
 * here validates), the name that was asked for in lower case, no OPT, TTLs within `limits`.
 *
 * @returns how long it may be kept, in seconds; 0 when it is for the askers alone
 */
export function normalize(bytes: Uint8Array, response: Response, limits: TtlLimits): number {
  const { rcode, questionEnd, ttlOffsets } = response;
  const nameEnd = questionEnd - 4;
  putU16(bytes, 0, 0);
  putU16(bytes, 2, flags.qr | flags.ra | (rcode & flags.rcode));
  putU16(bytes, 10, response.additionals);
  for (let at = headerLength; at < nameEnd; at++) bytes[at] = lowerCase[bytes[at]!]!;
  for (let index = 0, owner = questionEnd; index < response.ttlCount; index++) {
    const at = ttlOffsets[index]!;
    if (at - 4 - owner === nameEnd - headerLength) spellAsQuestion(bytes, owner, nameEnd);
    putU32(bytes, at, withinLimits(effectiveTtl(u32(bytes, at)), limits));
    owner = at + 6 + u16(bytes, at + 4);
  }
  if (response.hasType) return withinLimits(response.minimumTtl, limits);
  // Nothing of the type: believed for as long as the SOA says, and not at all without one (RFC 2308 section 5).
  if (response.negativeTtl < 0) return 0;
  return Math.min(withinLimits(Math.min(response.minimumTtl, response.negativeTtl), limits), limits.negativeMaximum);
}

/**
 * Gives an owner that is not compressed the spelling of the question, if it is the same name: the upstream wrote what it
 * was asked, which is in random case.
 */
function spellAsQuestion(bytes: Uint8Array, owner: number, nameEnd: number): void {
  const ahead = owner - headerLength;
  for (let at = headerLength; at < nameEnd; at++) if (lowerCase[bytes[at + ahead]!] !== bytes[at]) return;
  bytes.copyWithin(owner, headerLength, nameEnd);
}

function withinLimits(ttl: number, limits: TtlLimits): number {
  return Math.min(Math.max(ttl, limits.minimum), limits.maximum);
}
