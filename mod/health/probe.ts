/**
 * The probe: a small UDP exchange inside the tunnel by which a client knows that its gateway is there, which run of it
 * (instance), and what it can do. Question and answer have one size, so that nothing is amplified.
 *
 * | bytes | content |
 * |---|---|
 * | 0-3 | `PGW1` |
 * | 4 | 1 question, 2 answer |
 * | 5 | answer: 1 healthy, 2 draining, 4 full |
 * | 6-7 | zero |
 * | 8-15 | nonce, chosen by the client and echoed |
 * | 16-31 | answer: the instance id |
 */

import { Reader, WireError, Writer } from "../wire/bytes.ts";

const magic = 0x50475731;
const question = 1;
const answer = 2;
const size = 32;
const nonceAt = 8;
const nonceSize = 8;

/** What a gateway says of itself. */
export type GatewayCondition = {
  /** 32 hexadecimal digits, new for each process: which may have lost its leases, so that clients ask for theirs anew. */
  readonly instance: string;
  /** Its way out works. */
  readonly healthy: boolean;
  /** It is about to end: its clients should move. */
  readonly draining: boolean;
  /** It has no address left for a new client. */
  readonly full: boolean;
};

export type ProbeAnswer = { readonly nonce: string; readonly condition: GatewayCondition };

/** The nonce of an answer that nobody asked for: a gateway tells its clients that its condition changed. */
export const notice = "0".repeat(16);

/** A nonce of 16 hexadecimal digits. */
export function probeNonce(random: () => number): string {
  return [0, 1].map(() => Math.floor(random() * 0x1_0000_0000).toString(16).padStart(8, "0")).join("");
}

export function encodeProbeQuestion(nonce: string): Uint8Array<ArrayBuffer> {
  return new Writer(size, size).u32(magic).u8(question).zeros(3).put(fromHex(nonce)).zeros(16).finish();
}

export function encodeProbeAnswer({ nonce, condition }: ProbeAnswer): Uint8Array<ArrayBuffer> {
  const flags = (condition.healthy ? 1 : 0) | (condition.draining ? 2 : 0) | (condition.full ? 4 : 0);
  return new Writer(size, size).u32(magic).u8(answer).u8(flags).zeros(2).put(fromHex(nonce))
    .put(fromHex(condition.instance)).finish();
}

/**
 * Turns the question in `bytes` into its answer, in place: a gateway answers thousands each second, and each allocation
 * would be garbage. `answer` is any answer of the gateway's present condition; its nonce does not count.
 *
 * @returns whether it was a question
 */
export function answerInPlace(bytes: Uint8Array, answer: Uint8Array): boolean {
  if (bytes.length !== size || bytes[4] !== question) return false;
  for (let at = 0; at < 4; at++) if (bytes[at] !== answer[at]) return false;
  for (let at = 4; at < nonceAt; at++) bytes[at] = answer[at]!;
  for (let at = nonceAt + nonceSize; at < size; at++) bytes[at] = answer[at]!;
  return true;
}

/** @throws {WireError} when `bytes` are not a probe's answer */
export function decodeProbeAnswer(bytes: Uint8Array): ProbeAnswer {
  const { nonce, flags, reader } = readHeader(bytes);
  return {
    nonce,
    condition: {
      instance: toHex(reader.take(16)),
      healthy: (flags & 1) !== 0,
      draining: (flags & 2) !== 0,
      full: (flags & 4) !== 0,
    },
  };
}

function readHeader(bytes: Uint8Array): { nonce: string; flags: number; reader: Reader } {
  if (bytes.length !== size) throw new WireError(`a probe has ${size} bytes, not ${bytes.length}`);
  const reader = new Reader(bytes);
  if (reader.u32() !== magic || reader.u8() !== answer) throw new WireError("not the answer to a probe");
  const flags = reader.u8();
  reader.skip(2);
  return { nonce: toHex(reader.take(8)), flags, reader };
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
