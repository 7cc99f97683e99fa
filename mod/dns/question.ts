/** The question as it goes to an upstream, and whether a response answers it. */

import { flags, headerLength, lowerCase, putOpt, putU16, putU32, rcodes, u16 } from "../wire/dns.ts";
import { udpPayload } from "./reply.ts";

/** In [0, 1), not to be foreseen by anybody. */
export type Random = () => number;

export type QuestionForm = {
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
  /** Whether OPT goes along (RFC 6891). DO needs it. */
  readonly withEdns: boolean;
};

/**
 * Builds the message for one attempt: a random id, and each letter of the name in random case ("0x20": what comes back
 * in another spelling was not written by who saw the question). Nothing of the client's own message goes along but
 * name, type, class, DO and CD.
 *
 * @param question name, type and class in wire form, in any case, behind a header of which nothing is used
 */
export function buildQuestion(question: Uint8Array, form: QuestionForm, random: Random): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(question.length + (form.withEdns ? 11 : 0));
  message.set(question);
  putU16(message, 0, Math.floor(random() * 0x10000));
  putU16(message, 2, flags.rd | (form.checkingDisabled ? flags.cd : 0));
  putU16(message, 4, 1);
  putU32(message, 6, 0);
  putU16(message, 10, form.withEdns ? 1 : 0);
  let bits = 1;
  for (let at = headerLength; at < question.length - 4; at++) {
    const octet = lowerCase[question[at]!]!;
    message[at] = octet;
    if (octet < 0x61 || octet > 0x7a) continue;
    if (bits === 1) bits = Math.floor(random() * 0x4000_0000) | 0x4000_0000;
    if ((bits & 1) !== 0) message[at] = octet - 0x20;
    bits >>>= 1;
  }
  if (form.withEdns) putOpt(message, question.length, udpPayload, 0, form.dnssecOk);
  return message;
}

export type Match =
  /** Id, name in its spelling, type and class are those of the question. */
  | "answer"
  /** All but the spelling: the server does not keep it, or somebody guessed the rest. */
  | "other spelling"
  /** A header alone with an error: the question was not read. A forger has less to guess for it than for an answer. */
  | "not understood"
  /** Somebody else's, or forged. */
  | "none";

/** Whether the first `length` bytes of `response` answer the message `asked`, whose question is `question` long. */
export function matchResponse(response: Uint8Array, length: number, asked: Uint8Array, questionEnd: number): Match {
  if (length < headerLength) return "none";
  const bits = u16(response, 2);
  if (u16(response, 0) !== u16(asked, 0) || (bits & flags.qr) === 0 || (bits & flags.opcode) !== 0) return "none";
  const rcode = bits & flags.rcode;
  if (u16(response, 4) === 0 && length === headerLength) {
    return rcode === rcodes.noError || rcode === rcodes.nxDomain ? "none" : "not understood";
  }
  if (u16(response, 4) !== 1 || length < questionEnd) return "none";
  let sameSpelling = true;
  for (let at = headerLength; at < questionEnd; at++) {
    if (response[at] === asked[at]) continue;
    if (at >= questionEnd - 4 || lowerCase[response[at]!] !== lowerCase[asked[at]!]) return "none";
    sameSpelling = false;
  }
  return sameSpelling ? "answer" : "other spelling";
}
