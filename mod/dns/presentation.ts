/** DNS messages and record types as text for people. */

import { formatIpv4, fromOctets } from "../addr/ipv4.ts";
import { formatIpv6 } from "../addr/ipv6.ts";
import { formatName, skipName, types, u16, u32 } from "../wire/dns.ts";
import { extendedErrorOption } from "./reply.ts";
import { readResponse, Response } from "./response.ts";

/** The types that have a name here (IANA's registry); others are written TYPE65400 (RFC 3597 section 5). */
const typeNumbers: Readonly<Record<string, number>> = {
  A: types.a,
  NS: types.ns,
  CNAME: types.cname,
  SOA: types.soa,
  PTR: types.ptr,
  HINFO: types.hinfo,
  MX: types.mx,
  TXT: 16,
  AAAA: types.aaaa,
  SRV: types.srv,
  NAPTR: 35,
  DNAME: 39,
  DS: types.ds,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: types.dnskey,
  NSEC3: 50,
  TLSA: 52,
  SVCB: types.svcb,
  HTTPS: types.https,
  ANY: types.any,
  CAA: 257,
};
const typeNames = new Map(Object.entries(typeNumbers).map(([name, number]) => [number, name]));
const rcodeNames = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

/** The number of a type in any case, by name or as `TYPE257`; undefined when there is none. */
export function parseType(text: string): number | undefined {
  const name = text.toUpperCase();
  if (Object.hasOwn(typeNumbers, name)) return typeNumbers[name];
  const number = Number(/^TYPE([1-9][0-9]{0,4})$/.exec(name)?.[1]);
  return number <= 0xffff ? number : undefined;
}

export function formatType(type: number): string {
  return typeNames.get(type) ?? `TYPE${type}`;
}

export type ShownRecord = {
  readonly name: string;
  readonly ttlSeconds: number;
  readonly type: string;
  readonly data: string;
};

export type ShownMessage = {
  readonly status: string;
  /** What the server says about the answer (RFC 8914), such as why there is none. */
  readonly remark?: string;
  readonly answers: readonly ShownRecord[];
};

/** What the response in `bytes` says; undefined when it is not well-formed. */
export function showMessage(bytes: Uint8Array): ShownMessage | undefined {
  const response = new Response();
  if (!readResponse(bytes, bytes.length, response)) return undefined;
  const { rcode } = response;
  const answers: ShownRecord[] = [];
  for (let at = response.questionEnd; answers.length < response.answers;) {
    const typeAt = skipName(bytes, at, bytes.length);
    const data = typeAt + 10;
    const type = u16(bytes, typeAt);
    const end = data + u16(bytes, typeAt + 8);
    answers.push({
      name: formatName(bytes, at),
      ttlSeconds: u32(bytes, typeAt + 4),
      type: formatType(type),
      data: showData(bytes, type, data, end),
    });
    at = end;
  }
  const remark = remarkOf(bytes, response);
  return { status: rcodeNames[rcode] ?? `RCODE${rcode}`, ...(remark === undefined ? {} : { remark }), answers };
}

/** Names of extended errors (RFC 8914 section 4). */
const remarks: Readonly<Record<number, string>> = {
  0: "other error",
  3: "stale answer",
  14: "not ready",
  15: "blocked",
  21: "not supported",
  22: "no reachable authority",
  23: "network error",
};

function remarkOf(bytes: Uint8Array, { hasEdns, optionsAt, optionsEnd }: Response): string | undefined {
  for (let at = optionsAt; hasEdns && at + 4 <= optionsEnd; at += 4 + u16(bytes, at + 2)) {
    const end = at + 4 + u16(bytes, at + 2);
    if (u16(bytes, at) !== extendedErrorOption || end < at + 6 || end > optionsEnd) continue;
    const code = u16(bytes, at + 4);
    const text = new TextDecoder().decode(bytes.subarray(at + 6, end));
    return [remarks[code] ?? `extended error ${code}`, ...(text === "" ? [] : [text])].join(": ");
  }
  return undefined;
}

/** The record data from `data` to `end` as in a zone file, of other types than the common ones by RFC 3597 section 5. */
function showData(bytes: Uint8Array, type: number, data: number, end: number): string {
  const name = (at: number) => formatName(bytes, at);
  switch (type) {
    case types.a:
      return formatIpv4(fromOctets(bytes.subarray(data, end)));
    case types.aaaa:
      return formatIpv6([0, 4, 8, 12].reduce((sum, at) => (sum << 32n) | BigInt(u32(bytes, data + at)), 0n));
    case types.cname:
    case types.ns:
    case types.ptr:
      return name(data);
    case types.mx:
      return `${u16(bytes, data)} ${name(data + 2)}`;
    case types.srv:
      return `${u16(bytes, data)} ${u16(bytes, data + 2)} ${u16(bytes, data + 4)} ${name(data + 6)}`;
    case types.soa: {
      const mailbox = skipName(bytes, data, end);
      const numbers = [20, 16, 12, 8, 4].map((before) => u32(bytes, end - before));
      return [name(data), name(mailbox), ...numbers].join(" ");
    }
    case typeNumbers.TXT:
      return showStrings(bytes.subarray(data, end));
    default:
      return `\\# ${end - data} ${hex(bytes.subarray(data, end))}`.trimEnd();
  }
}

/** Character strings, each behind its length (RFC 1035 section 3.3). */
function showStrings(bytes: Uint8Array): string {
  const strings: string[] = [];
  for (let at = 0; at < bytes.length; at += 1 + bytes[at]!) {
    const text = new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + bytes[at]!));
    strings.push(`"${text.replace(/["\\]/g, "\\$&")}"`);
  }
  return strings.join(" ");
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join("");
}
