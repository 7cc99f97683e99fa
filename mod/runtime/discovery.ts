/** Asks SERVICE for a gateway: its addresses are raced, and the first gateway that can serve wins. */

import { formatIpv4, type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { PgwError } from "../errors.ts";
import { delay } from "../linux/delay.ts";
import type { Candidate } from "../netstate/client.ts";
import type { GatewayAnswer } from "../role/client_event.ts";
import { parseGatewayInfo } from "../role/gateway_info.ts";
import { messageOf } from "./failure.ts";
import { httpGet, HttpTimeoutError } from "./http_get.ts";

/** Nobody behind SERVICE answered as a gateway does. */
export class NoGatewayError extends PgwError {}

export type AskOptions = {
  readonly candidates: readonly Candidate[];
  /** A Pod address that is taken only when no other gateway answers. */
  readonly avoid?: Ipv4;
  /** So many errors end it, if there are not more candidates. */
  readonly tries: number;
  readonly path: string;
  readonly host: string;
  readonly signal: AbortSignal;
};

/** A candidate that is silent for so long gets company; sooner when a gateway failed that may still be named. */
const staggerMs = { first: 300, again: 30 };
const timeoutMs = { first: 3_000, again: 1_500 };
/** One address may stand for many gateways (a Service's): so often it is asked while it is silent, or not the right one. */
const leastQuestions = 8;
const mostQuestions = 16;

/** @throws {NoGatewayError} when nobody answered; its message names the last reason */
export async function askForGateway(options: AskOptions): Promise<GatewayAnswer> {
  const { candidates, avoid, signal } = options;
  const questions = Math.min(mostQuestions, Math.max(leastQuestions, candidates.length));
  const tries = Math.max(options.tries, candidates.length);
  const race = new AbortController();
  const raceSignal = AbortSignal.any([signal, race.signal]);
  const pending = new Set<Promise<void>>();
  let chosen: GatewayAnswer | undefined;
  let spare: GatewayAnswer | undefined;
  let failure = "nobody answers";
  let failures = 0;
  const time = avoid === undefined ? "first" : "again";
  const attempt = async (candidate: Candidate) => {
    try {
      const answer = await askCandidate(candidate, { ...options, timeoutMs: timeoutMs[time] }, raceSignal);
      if (isWelcome(answer, avoid)) chosen ??= answer;
      else spare = betterSpare(spare, answer);
    } catch (error) {
      failures++;
      if (!raceSignal.aborted) failure = reasonOf(error, candidate);
    }
  };
  try {
    const goesOn = (asked: number) => asked < questions && failures < tries && chosen === undefined && !signal.aborted;
    for (let index = 0; goesOn(index); index++) {
      const running = attempt(candidates[index % candidates.length]!).finally(() => pending.delete(running));
      pending.add(running);
      await Promise.race([...pending, delay(staggerMs[time], raceSignal)]);
    }
    while (chosen === undefined && pending.size > 0 && !signal.aborted) await Promise.race(pending);
  } finally {
    race.abort();
    await Promise.all(pending);
  }
  const answer = chosen ?? spare;
  if (answer === undefined) throw new NoGatewayError(failure);
  return answer;
}

function reasonOf(error: unknown, { port }: Candidate): string {
  const message = messageOf(error);
  if (!(error instanceof HttpTimeoutError)) return message;
  return `${message} (if a NetworkPolicy stands here, it must allow TCP port ${port}, or the port behind the Service)`;
}

function isWelcome({ podAddress, info }: GatewayAnswer, avoid: Ipv4 | undefined): boolean {
  const condition = info?.condition;
  return podAddress !== avoid &&
    (condition === undefined || (condition.healthy && !condition.draining && !condition.full));
}

/** Of two gateways that are not welcome, one that works is the better. */
function betterSpare(present: GatewayAnswer | undefined, other: GatewayAnswer): GatewayAnswer {
  const works = ({ info }: GatewayAnswer) => info === undefined || (info.condition.healthy && !info.condition.draining);
  return present !== undefined && (works(present) || !works(other)) ? present : other;
}

/** One candidate alone. @throws {NoGatewayError | HttpError} */
export async function askCandidate(
  candidate: Candidate,
  options: Pick<AskOptions, "path" | "host"> & { readonly timeoutMs?: number },
  signal: AbortSignal,
): Promise<GatewayAnswer> {
  const hostname = formatIpv4(candidate.address);
  const question = {
    hostname,
    port: candidate.port,
    host: options.host,
    timeoutMs: options.timeoutMs ?? timeoutMs.first,
    signal,
  };
  const told = await httpGet({ ...question, path: "/v1/gateway" });
  if (told.status === 200 && !isIpv4(told.body.trim())) {
    const info = parseGatewayInfo(told.body);
    return { podAddress: info.podAddress, info };
  }
  // A gateway of the seed's kind: its whole answer is its address, on any path or on the root alone.
  const plain = told.status === 200 ? told : await httpGet({ ...question, path: options.path });
  const text = plain.body.trim();
  if (plain.status !== 200 || !isIpv4(text)) {
    throw new NoGatewayError(
      `http://${hostname}:${candidate.port} does not answer as a gateway (HTTP ${plain.status})`,
    );
  }
  return { podAddress: parseIpv4(text) };
}
