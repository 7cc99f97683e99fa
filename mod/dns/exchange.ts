/**
 * Questions to upstreams: which server is asked when, what counts as its answer, and when to give up. Pure: time and
 * randomness are arguments, what is to be done goes to an {@link ExchangePort}.
 */

import { classIn, copyBytes, flags, headerLength, putU16, rcodes, types } from "../wire/dns.ts";
import type { Key } from "./cache.ts";
import type { Route } from "./forwarder_config.ts";
import { type Attempt, type Listening, newPending, type Pending, wakeTime } from "./pending.ts";
import { PendingTable } from "./pending_table.ts";
import { buildQuestion, matchResponse, type Random } from "./question.ts";
import { readResponse, Response } from "./response.ts";
import type { Upstream } from "./upstream.ts";

export interface ExchangePort<Client> {
  /** Send the attempt's message to its upstream; hand what comes back to `received`, or call `failed`, but not yet. */
  send(attempt: Attempt<Client>): Listening;
  /** `bytes` holds the answer to `attempt`, read into `response`. The question is over. */
  answered(attempt: Attempt<Client>, bytes: Uint8Array, response: Response, now: number): void;
  /** No server could help. The question is over. */
  unanswered(pending: Pending<Client>, now: number): void;
  /** `staleAt` has come. */
  late(pending: Pending<Client>): void;
}

/** Messages for one question, all servers and retransmissions counted. */
const maxAttempts = 6;
/** Of these so many are listened for; the oldest is given up for a newer one. */
const maxOpenAttempts = 3;
/** Questions that one tick looks after: when a server dies, thousands may be due, and others want their answers. */
const maxWakes = 128;
/** Where the name of the root ends, which has no spelling. */
const rootEnd = headerLength + 1;
/** Milliseconds. */
const tcpPatience = 2000;
const easyPatience = 2500;
/**
 * After so many datagrams that came to a question's port and did not answer it, somebody is guessing its id: it is asked
 * by TCP, where guessing does not help. So at most this many of 2^16 ids are tried on a question, however fast.
 */
const maxMismatches = 8;

export class Exchange<Client> {
  readonly #pending = new PendingTable<Client>();
  readonly #response = new Response();
  #wakeAt = Infinity;
  /** Responses that did not match what was asked: strays or forgeries. */
  mismatchedResponses = 0;

  constructor(readonly port: ExchangePort<Client>, readonly random: Random) {}

  /** When `tick` wants to be called. */
  get wakeAt(): number {
    return this.#wakeAt;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** The pending question that `query`, read into `key`, asks too. */
  find(query: Uint8Array, key: Key): Pending<Client> | undefined {
    return this.#pending.find(query, key);
  }

  start(pending: Pending<Client>, now: number): void {
    this.#add(pending);
    const dead = pending.route.group.probe(now);
    if (dead !== undefined) this.#ask(pending, dead, now);
    this.#askNext(pending, now);
  }

  #add(pending: Pending<Client>): void {
    this.#pending.add(pending);
    pending.route.pending++;
  }

  /** Asks anew what was asked from the route's earlier servers. */
  restart(isConcerned: (pending: Pending<Client>) => boolean, now: number): void {
    for (const pending of [...this.#pending].filter(isConcerned)) {
      this.#forgetAttempts(pending);
      pending.spelling = undefined;
      pending.tried = [];
      pending.refused = [];
      pending.attemptCount = 0;
      pending.refusal = undefined;
      pending.wasUnreachable = false;
      this.#askNext(pending, now);
    }
  }

  /** Listens for no answer any more. */
  close(): void {
    for (const pending of this.#pending) this.#forgetAttempts(pending);
  }

  /** Takes what came from the attempt's upstream to the attempt's port. */
  received(attempt: Attempt<Client>, bytes: Uint8Array, length: number, now: number): void {
    const { pending, upstream } = attempt;
    if (!pending.attempts.includes(attempt)) return;
    const match = matchResponse(bytes, length, attempt.message, pending.question.length);
    const isDatagram = attempt.transport === "udp";
    if (match === "none") {
      this.mismatchedResponses++;
      if (isDatagram && ++attempt.mismatches === maxMismatches) this.#askByTcp(attempt, now);
      return;
    }
    upstream.noteAnswer(now - attempt.sentAt);
    if (isDatagram && match === "other spelling") {
      upstream.noteOtherSpelling(now);
      if (!attempt.respells) {
        this.mismatchedResponses++;
        this.#dismiss(attempt);
        this.#send(pending, upstream, transportOf(upstream, true, now), true, attempt.withEdns, now);
        return;
      }
    } else if (isDatagram && match === "answer" && pending.key.nameEnd > rootEnd) {
      upstream.noteSameSpelling();
    }
    const response = this.#response;
    if (match === "not understood") {
      this.#notUnderstood(attempt, rcodes.servFail, false, now);
    } else if (isDatagram && (bytes[2]! & (flags.tc >> 8)) !== 0) {
      this.#askByTcp(attempt, now);
    } else if (!readResponse(bytes, length, response) || isReferral(response)) {
      this.#refused(attempt, rcodes.servFail, now);
    } else if (response.rcode === rcodes.noError || response.rcode === rcodes.nxDomain) {
      if (!attempt.withEdns) upstream.noteAnswerWithoutEdns(attempt.sentAt, now);
      this.#end(pending);
      this.port.answered(attempt, bytes, response, now);
    } else if (response.rcode === rcodes.formErr || response.rcode === rcodes.notImp) {
      this.#notUnderstood(attempt, response.rcode, response.hasEdns, now);
    } else {
      this.#refused(attempt, response.rcode, now);
    }
  }

  /** The attempt's message could not be sent, or its connection ended without an answer. */
  failed(attempt: Attempt<Client>, now: number): void {
    const { pending, upstream } = attempt;
    if (!pending.attempts.includes(attempt)) return;
    // A server that answers by UDP is not dead for a connection that failed.
    if (attempt.transport === "tcp") upstream.noteTcpFailure(now);
    else upstream.noteFailure(now);
    pending.wasUnreachable = true;
    this.#askElse(attempt, now);
  }

  /** Does what is due at `now`. */
  tick(now: number): void {
    this.#wakeAt = Infinity;
    let woken = 0;
    for (const pending of this.#pending) {
      if (wakeTime(pending) <= now && woken++ < maxWakes) this.#wake(pending, now);
      if (this.#pending.has(pending)) this.#wakeAt = Math.min(this.#wakeAt, wakeTime(pending));
    }
  }

  #wake(pending: Pending<Client>, now: number): void {
    if (pending.staleAt <= now) {
      pending.staleAt = Infinity;
      this.port.late(pending);
    }
    if (pending.patienceUntil <= now) {
      for (const { upstream, transport, respells, sentAt } of [...pending.attempts]) {
        if (respells && transport === "tcp" && sentAt + tcpPatience <= now) upstream.noteTcpFailure(now);
        if (upstream.noteSilence(now)) this.#askSomethingEasy(pending.route, upstream, now);
      }
      this.#askNext(pending, now);
    }
    if (pending.giveUpAt <= now && this.#pending.has(pending)) this.#giveUp(pending, now);
  }

  /** Asks the next server; gives up when there is none and none that still could answer. */
  #askNext(pending: Pending<Client>, now: number): void {
    const { group } = pending.route;
    pending.patienceUntil = Infinity;
    if (pending.attemptCount < maxAttempts) {
      let next = group.fastest(pending.tried, pending.refused);
      if (next === undefined) {
        pending.tried = [];
        pending.round++;
        next = group.fastest(pending.tried, pending.refused);
      }
      if (next !== undefined) {
        this.#ask(pending, next, now);
        return;
      }
    }
    // One that has just been found dead is not waited for, one that is being probed is.
    const isHopeless = pending.attempts.every(({ upstream, sentAt }) =>
      upstream.isDead && sentAt + upstream.timeout <= now
    );
    if (isHopeless) this.#giveUp(pending, now);
    else this.#wakeBy(pending, now + Math.max(...pending.attempts.map(({ upstream }) => upstream.timeout)));
  }

  /** Asks a server in the way that it can handle. */
  #ask(pending: Pending<Client>, upstream: Upstream, now: number): void {
    const respells = upstream.respells(now);
    this.#send(pending, upstream, transportOf(upstream, respells, now), respells, upstream.takesEdns(now), now);
  }

  #send(
    pending: Pending<Client>,
    upstream: Upstream,
    transport: Attempt<Client>["transport"],
    respells: boolean,
    withEdns: boolean,
    now: number,
  ): void {
    const { question, key: { dnssecOk, checkingDisabled } } = pending;
    const message = buildQuestion(question, { dnssecOk, checkingDisabled, withEdns }, this.random);
    if (pending.spelling === undefined) pending.spelling = message;
    else copyBytes(pending.spelling, headerLength, question.length - headerLength, message, headerLength);
    const attempt: Attempt<Client> = {
      pending,
      upstream,
      transport,
      message,
      withEdns,
      respells,
      sentAt: now,
      mismatches: 0,
      listening: undefined,
    };
    if (pending.attempts.length === maxOpenAttempts) this.#dismiss(pending.attempts[0]!);
    pending.attempts.push(attempt);
    pending.tried.push(upstream);
    pending.attemptCount++;
    upstream.noteAsked(now);
    this.#wakeBy(pending, now + (transport === "udp" ? upstream.timeout * 2 ** pending.round : tcpPatience));
    attempt.listening = this.port.send(attempt);
  }

  #wakeBy(pending: Pending<Client>, patienceUntil: number): void {
    pending.patienceUntil = patienceUntil;
    this.#wakeAt = Math.min(this.#wakeAt, wakeTime(pending));
  }

  /** The name servers of the root, for nobody: any answer will do. */
  #askSomethingEasy(route: Route, upstream: Upstream, now: number): void {
    const key = { hash: 0, nameEnd: rootEnd, dnssecOk: false, checkingDisabled: false };
    const question = new Uint8Array(rootEnd + 4);
    putU16(question, rootEnd, types.ns);
    putU16(question, rootEnd + 2, classIn);
    const pending = newPending<Client>(key, route, question, undefined, now + easyPatience);
    this.#add(pending);
    this.#ask(pending, upstream, now);
  }

  #askByTcp(attempt: Attempt<Client>, now: number): void {
    this.#dismiss(attempt);
    this.#send(attempt.pending, attempt.upstream, "tcp", false, attempt.withEdns, now);
  }

  /** The attempt has brought nothing: the same server otherwise, if it was asked by TCP for its spelling, else another. */
  #askElse(attempt: Attempt<Client>, now: number): void {
    const { pending, upstream, transport, respells, withEdns } = attempt;
    this.#dismiss(attempt);
    if (respells && transport === "tcp") {
      this.#send(pending, upstream, "udp", true, withEdns, now);
    } else {
      pending.refused.push(upstream);
      this.#askNext(pending, now);
    }
  }

  #notUnderstood(attempt: Attempt<Client>, rcode: number, knowsEdns: boolean, now: number): void {
    const { pending, upstream, transport, respells, withEdns } = attempt;
    if (withEdns && !knowsEdns) {
      this.#dismiss(attempt);
      this.#send(pending, upstream, transport, respells, false, now);
    } else {
      this.#refused(attempt, rcode, now);
    }
  }

  #refused(attempt: Attempt<Client>, rcode: number, now: number): void {
    attempt.pending.refusal ??= rcode;
    this.#askElse(attempt, now);
  }

  #giveUp(pending: Pending<Client>, now: number): void {
    this.#end(pending);
    this.port.unanswered(pending, now);
  }

  #end(pending: Pending<Client>): void {
    this.#pending.delete(pending);
    pending.route.pending--;
    this.#forgetAttempts(pending);
  }

  #forgetAttempts(pending: Pending<Client>): void {
    const { attempts } = pending;
    pending.attempts = [];
    for (const { listening } of attempts) listening?.close();
  }

  #dismiss(attempt: Attempt<Client>): void {
    const { pending } = attempt;
    pending.attempts = pending.attempts.filter((one) => one !== attempt);
    attempt.listening?.close();
  }
}

/** How a server is asked first: one that respells by TCP, where nobody else can answer. */
function transportOf(upstream: Upstream, respells: boolean, now: number): Attempt<unknown>["transport"] {
  if (upstream.address.transport === "tls") return "tls";
  return respells && upstream.takesTcp(now) ? "tcp" : "udp";
}

/** Name servers and nothing else: the upstream does not resolve names for others. */
function isReferral(response: Response): boolean {
  return response.rcode === rcodes.noError && response.answers === 0 && response.hasAuthorityNs &&
    response.negativeTtl < 0;
}
