/** One question about a name, and the IPv4 addresses in its answer: what `pgw` itself asks, as a plain resolver. */

import { fromOctets, type Ipv4 } from "../addr/ipv4.ts";
import { classIn, flags, headerLength, nameToWire, putOpt, putU16, rcodes, types, u16 } from "../wire/dns.ts";
import { matchResponse } from "./question.ts";
import { optLength, udpPayload } from "./reply.ts";
import { readResponse, Response } from "./response.ts";

/** `unwilling`: the server does not want to say (REFUSED, SERVFAIL). */
export type LookupAnswer = readonly Ipv4[] | "unwilling";

/** The message that asks for records of `type`; `undefined` when `name` is none. `edns`: with OPT (RFC 6891). */
export function lookupQuestion(
  name: string,
  id: number,
  type: number = types.a,
  edns = false,
): Uint8Array<ArrayBuffer> | undefined {
  const wire = nameToWire(name);
  if (wire === undefined) return undefined;
  const end = headerLength + wire.length + 4;
  const message = new Uint8Array(edns ? end + optLength : end);
  putU16(message, 0, id);
  putU16(message, 2, flags.rd);
  putU16(message, 4, 1);
  for (let index = 0; index < wire.length; index++) message[headerLength + index] = wire.charCodeAt(index);
  putU16(message, end - 4, type);
  putU16(message, end - 2, classIn);
  if (edns) {
    putU16(message, 10, 1);
    putOpt(message, end, udpPayload, 0, false);
  }
  return message;
}

/** What `bytes` answer to `question`; `undefined` when they are no answer to it. No address: an empty list. */
export function readLookup(bytes: Uint8Array, question: Uint8Array): LookupAnswer | undefined {
  if (matchResponse(bytes, bytes.length, question, question.length) === "none") return undefined;
  const response = new Response();
  if (!readResponse(bytes, bytes.length, response)) return undefined;
  if (response.rcode === rcodes.nxDomain) return [];
  if (response.rcode !== rcodes.noError) return "unwilling";
  return response.addressOffsets
    .filter((at) => u16(bytes, at - 2) === 4)
    .map((at) => fromOctets(bytes.subarray(at, at + 4)));
}
