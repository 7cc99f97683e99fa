/** A question on its way to upstreams, and who waits for its answer. */

import { copyBytes, headerLength, lowerCase, Query } from "../wire/dns.ts";
import type { Key } from "./cache.ts";
import type { Route } from "./forwarder_config.ts";
import { type ExtendedError, extendedErrors } from "./reply.ts";
import type { Upstream } from "./upstream.ts";

/** Who asked: enough to write the answer as this client wants it. */
export type Waiter<Client> = {
  readonly client: Client;
  readonly isStream: boolean;
  readonly query: Query;
  /** The query as far as the end of its question. */
  readonly question: Uint8Array;
};

/** One message to one upstream. The shell sends it from a fresh port and hands back what comes from there. */
export type Attempt<Client> = {
  readonly pending: Pending<Client>;
  readonly upstream: Upstream;
  readonly transport: "udp" | "tcp" | "tls";
  readonly message: Uint8Array<ArrayBuffer>;
  readonly withEdns: boolean;
  /**
   * The server gives the name back in another spelling. So it is asked by TCP, where nobody else can answer; if that
   * fails, by UDP, and any spelling will do.
   */
  readonly respells: boolean;
  readonly sentAt: number;
  /** Datagrams that came from the server's address to the attempt's port and did not answer it. */
  mismatches: number;
  /** What the shell listens with, once the message is sent. */
  listening: Listening | undefined;
};

/** Nothing that comes for a message matters any more once this is closed. */
export type Listening = { close(): void };

export type Pending<Client> = {
  /** The next one in its place of the table. */
  next: Pending<Client> | undefined;
  readonly key: Key;
  readonly route: Route;
  /** The first asker's query as far as the end of its question. */
  readonly question: Uint8Array;
  waiters: Waiter<Client>[];
  attempts: Attempt<Client>[];
  /**
   * The first message to a server. The others spell the name as it does: a server that joins equal questions (dnsmasq
   * does) answers all of them in the spelling of the first.
   */
  spelling: Uint8Array | undefined;
  /** Servers that were asked in this round, and those that answered but could not help. */
  tried: Upstream[];
  refused: Upstream[];
  attemptCount: number;
  /** How often all servers were tried. */
  round: number;
  /** When the next server is asked beside those that have not answered. */
  patienceUntil: number;
  /** When the clients are given the stale answer, if there is one. */
  staleAt: number;
  readonly giveUpAt: number;
  /** The rcode of a server that could not help: what the clients get if no other can. */
  refusal: number | undefined;
  /** Whether a message could not be sent. */
  wasUnreachable: boolean;
};

/** Keeps what is needed of a query that was read into `read`, both of which are about to be used again. */
export function newWaiter<Client>(client: Client, isStream: boolean, query: Uint8Array, read: Query): Waiter<Client> {
  return { client, isStream, query: copyOfQuery(read), question: copyOf(query, read.end) };
}

/** A question that nobody was asked yet. */
export function newPending<Client>(
  key: Key,
  route: Route,
  question: Uint8Array,
  waiter: Waiter<Client> | undefined,
  giveUpAt: number,
): Pending<Client> {
  return {
    next: undefined,
    key,
    route,
    question,
    waiters: waiter === undefined ? [] : [waiter],
    attempts: [],
    spelling: undefined,
    tried: [],
    refused: [],
    attemptCount: 0,
    round: 0,
    patienceUntil: Infinity,
    staleAt: Infinity,
    giveUpAt,
    refusal: undefined,
    wasUnreachable: false,
  };
}

/** When something is due for `pending`. */
export function wakeTime(pending: Pending<unknown>): number {
  return Math.min(pending.patienceUntil, pending.staleAt, pending.giveUpAt);
}

/** Whether `query`, read into `key`, asks what `pending` asks. */
export function asksTheSame(pending: Pending<unknown>, query: Uint8Array, key: Key): boolean {
  const { question, key: other } = pending;
  if (other.hash !== key.hash || other.nameEnd !== key.nameEnd) return false;
  if (other.dnssecOk !== key.dnssecOk || other.checkingDisabled !== key.checkingDisabled) return false;
  let at = headerLength;
  for (; at < key.nameEnd; at++) if (lowerCase[question[at]!] !== lowerCase[query[at]!]) return false;
  for (; at < question.length; at++) if (question[at] !== query[at]) return false;
  return true;
}

/**
 * Whether `query` is our own question come back: it has the spelling that was chosen at random.
 * Names with few letters could be equal by chance and do not count, nor do those in one case, as everybody writes them.
 */
export function isOwnQuestion({ question, spelling, key }: Pending<unknown>, query: Uint8Array): boolean {
  let letters = 0;
  let capitals = 0;
  for (let at = headerLength; at < key.nameEnd; at++) {
    const octet = lowerCase[query[at]!]!;
    if (octet < 0x61 || octet > 0x7a) continue;
    letters++;
    if (octet !== query[at]) capitals++;
  }
  if (letters < 12 || capitals === 0 || capitals === letters) return false;
  return question.every((_, at) => at < headerLength || spelling?.[at] === query[at]);
}

/** A copy in memory of its own, whatever kind of view `bytes` is. */
export function copyOf(bytes: Uint8Array, length: number): Uint8Array {
  const copy = new Uint8Array(length);
  copyBytes(bytes, 0, length, copy, 0);
  return copy;
}

function copyOfQuery(query: Query): Query {
  const copy = new Query();
  copy.id = query.id;
  copy.flags = query.flags;
  copy.nameEnd = query.nameEnd;
  copy.end = query.end;
  copy.type = query.type;
  copy.class = query.class;
  copy.hasEdns = query.hasEdns;
  copy.udpSize = query.udpSize;
  copy.dnssecOk = query.dnssecOk;
  copy.checkingDisabled = query.checkingDisabled;
  copy.hash = query.hash;
  return copy;
}

/** What the clients are told beside an rcode when no server could help; nothing about a server's own refusal. */
export function reasonOf({ route, refusal, wasUnreachable }: Pending<unknown>): ExtendedError | undefined {
  const { networkError, noReachableAuthority, notReady } = extendedErrors;
  if (refusal !== undefined) return undefined;
  if (route.group.upstreams.length === 0) return { code: notReady, text: route.absence };
  if (wasUnreachable) return { code: networkError, text: "no upstream can be reached" };
  return { code: noReachableAuthority, text: "no upstream answers" };
}
