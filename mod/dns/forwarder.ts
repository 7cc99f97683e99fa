/**
 * The DNS forwarder: from a client's query to its answer, by the cache or by the servers of the zone's route.
 *
 * Pure: time and randomness are arguments, what is to be done goes to a {@link ForwarderPort}. It does not validate
 * DNSSEC: it hands the records on and clears AD.
 */

import { copyBytes, flags, headerLength, lowerCase, notAQuery, putU16, Query, rcodes, readQuery } from "../wire/dns.ts";
import { WireError } from "../wire/bytes.ts";
import { absent, Cache, type Entry } from "./cache.ts";
import { Exchange, type ExchangePort } from "./exchange.ts";
import type { Explanation, ForwarderConfig, ForwarderStats } from "./forwarder_config.ts";
import {
  type Attempt,
  copyOf,
  isOwnQuestion,
  type Listening,
  newPending,
  newWaiter,
  type Pending,
  reasonOf,
  type Waiter,
} from "./pending.ts";
import type { Random } from "./question.ts";
import { RebindingGuard } from "./rebinding.ts";
import {
  appendExtendedError,
  type ExtendedError,
  extendedErrors,
  maxMessage,
  overwriteTtls,
  replyLimit,
  type Stored,
  writeEmpty,
  writeLocal,
  writeStored,
} from "./reply.ts";
import { normalize, type Response } from "./response.ts";
import { RouteTable } from "./route.ts";
import { Routing } from "./routing.ts";
import type { Upstream } from "./upstream.ts";

/** What the forwarder has its shell do. None of it may call the forwarder back before it has returned. */
export interface ForwarderPort<Client> {
  /**
   * The first `length` bytes of `message` are the answer, from the server `by` if it was one's just now. They are written
   * over when this has returned.
   */
  reply(client: Client, isStream: boolean, message: Uint8Array<ArrayBuffer>, length: number, by?: Upstream): void;
  /** Send `attempt.message` to `attempt.upstream`; hand what comes back to `received`, or call `failed`. */
  ask(attempt: Attempt<Client>): Listening;
}

/** {@link Forwarder.answer}: no answer is due. */
export const dropped = 0;
/** {@link Forwarder.answer}: {@link Forwarder.ask} it. */
export const mustAsk = -1;

/** Milliseconds. Stub resolvers wait 5 s (resolv.conf(5)): an answer after that is of no use to them. */
const giveUpAfter = 4500;
/** When a client is given a stale answer instead of waiting on (RFC 8767 section 5). */
const staleAfter = 1800;
/** Seconds. */
const staleTtl = 30;
/** For how long servers that failed are not asked again while a stale answer can be given (RFC 8767 section 5). */
const failureRecheck = 30;
/** RFC 2308 section 7.1 allows up to 300. */
const servFailTtl = 5;
const maxPendingPerRoute = 2048;
const maxWaiters = 256;
/** An answer that was used so often is fetched again before it expires. */
const popularUses = 3;

const noTtls = new Uint16Array(0);

export class Forwarder<Client> {
  readonly #cache: Cache;
  readonly #exchange: Exchange<Client>;
  readonly #routing: Routing;
  readonly #guard: RebindingGuard;
  readonly #mayRebind = new RouteTable(false);
  /** The query that `answer` read last. */
  readonly #query: Query;
  readonly #scratch = new Uint8Array(maxMessage);
  readonly #out = new Uint8Array(maxMessage + 512);
  readonly #count = {
    queries: 0,
    cacheHits: 0,
    staleAnswers: 0,
    localAnswers: 0,
    joined: 0,
    forwarded: 0,
    prefetched: 0,
    failures: 0,
    malformedQueries: 0,
    rebindingBlocked: 0,
    loops: 0,
    overload: 0,
  };

  /** @throws {AddressError} when a server in `config` is none */
  constructor(readonly config: ForwarderConfig, random: Random, readonly port: ForwarderPort<Client>) {
    this.#query = new Query(Math.floor(random() * 2 ** 32));
    this.#cache = new Cache(config.cacheBytes);
    this.#routing = new Routing(config);
    this.#guard = new RebindingGuard(config.rebinding.networks);
    for (const zone of config.rebinding.except) this.#mayRebind.add(zone, true);
    this.#exchange = new Exchange(this.#exchangePort(), random);
  }

  /** When `tick` wants to be called. */
  get wakeAt(): number {
    return this.#exchange.wakeAt;
  }

  /** Whether a server of outside names is not known to be dead. */
  get isReady(): boolean {
    return this.#routing.outside.group.isUsable;
  }

  /**
   * Answers the query in the first `length` bytes of `query` from what is known here, into `out`.
   *
   * @param out room for 65,535 bytes, or for 1,280 when `isStream` is false
   * @returns the answer's length, {@link dropped}, or {@link mustAsk}
   */
  answer(query: Uint8Array, length: number, isStream: boolean, out: Uint8Array, now: number): number {
    const read = this.#query;
    const verdict = readQuery(query, length, read);
    if (verdict === notAQuery) return dropped;
    this.#count.queries++;
    if (verdict !== rcodes.noError) {
      this.#count.malformedQueries++;
      return writeEmpty(out, query, read, verdict);
    }
    const entry = this.#cache.find(query, read);
    const cached = entry === absent
      ? 0
      : this.#answerFromCache(entry, query, isStream, out, Math.floor(now / 1000), now);
    if (cached > 0) return cached;
    const local = writeLocal(out, query, read);
    if (local > 0) {
      this.#count.localAnswers++;
      return local;
    }
    if ((read.flags & flags.rd) === 0) return writeEmpty(out, query, read, rcodes.refused);
    return mustAsk;
  }

  /** Asks upstreams. To be called when `answer` has just returned {@link mustAsk} for the same `query`. */
  ask(query: Uint8Array, isStream: boolean, client: Client, now: number): void {
    const read = this.#query;
    const waiter = newWaiter(client, isStream, query, read);
    const pending = this.#exchange.find(query, read);
    if (pending === undefined) {
      this.#start(waiter.question, waiter, now);
    } else if (isOwnQuestion(pending, query)) {
      this.#count.loops++;
      this.#replyEmpty(waiter, rcodes.refused, {
        code: extendedErrors.other,
        text: "an upstream asks this server back",
      });
    } else if (pending.waiters.length < maxWaiters) {
      this.#count.joined++;
      pending.waiters.push(waiter);
    } else {
      this.#turnAway(waiter);
    }
  }

  /** Takes what came from the attempt's upstream to the attempt's port. */
  received(attempt: Attempt<Client>, bytes: Uint8Array, length: number, now: number): void {
    this.#exchange.received(attempt, bytes, length, now);
  }

  /** The attempt's message could not be sent, or its connection ended without an answer. */
  failed(attempt: Attempt<Client>, now: number): void {
    this.#exchange.failed(attempt, now);
  }

  /** Does what is due at `now`. */
  tick(now: number): void {
    this.#exchange.tick(now);
  }

  /** Listens for no upstream any more. */
  close(): void {
    this.#exchange.close();
  }

  /**
   * Sets the servers of outside names. What the earlier ones said is forgotten, what they were asked is asked again.
   *
   * @param absence what clients are told when there is no server
   * @throws {AddressError} when one is none; nothing has changed then
   */
  setOutsideServers(servers: readonly string[], now: number, absence?: string): void {
    this.#routing.setOutsideServers(servers, absence);
    this.#cache.forgetOutside();
    this.#exchange.restart((pending) => pending.route === this.#routing.outside, now);
  }

  /** What would become of the question in `query`, a message. @throws {WireError} when it holds none */
  explain(query: Uint8Array, now: number): Explanation {
    const read = new Query(this.#query.seed);
    if (readQuery(query, query.length, read) !== rcodes.noError) throw new WireError("not a DNS question");
    const { name: route, group } = this.#routing.find(query, read);
    const overdue = this.#cache.overdue(this.#cache.find(query, read), Math.floor(now / 1000));
    const cache = overdue < 0 ? "fresh" : overdue < this.config.staleSeconds ? "stale" : "absent";
    return { route, servers: group.upstreams.map(({ name }) => name), cache, ttl: Math.max(-overdue, 0) };
  }

  stats(): ForwarderStats {
    return {
      ...this.#count,
      mismatchedResponses: this.#exchange.mismatchedResponses,
      pending: this.#exchange.size,
      cacheEntries: this.#cache.entries,
      cacheUsedBytes: this.#cache.usedBytes,
      cacheEvictions: this.#cache.evictions,
      upstreams: this.#routing.all.flatMap((route) =>
        route.group.upstreams.map(({ name, isDead, roundTrip, asked, answered, failed, latency }) => (
          { route: route.name, name, isDead, roundTrip, asked, answered, failed, latency }
        ))
      ),
    };
  }

  #answerFromCache(
    entry: Entry,
    query: Uint8Array,
    isStream: boolean,
    out: Uint8Array,
    seconds: number,
    now: number,
  ): number {
    const cache = this.#cache;
    const isDue = seconds >= cache.askAgainAt(entry);
    const uses = cache.use(entry);
    if (cache.isFresh(entry, seconds)) {
      this.#count.cacheHits++;
      const length = writeStored(out, cache.stored(entry), query, this.#query, isStream, cache.age(entry, seconds));
      if (isDue && uses > popularUses) this.#prefetch(query, entry, now);
      return length;
    }
    return isDue || !this.#isWorthServing(entry, seconds)
      ? 0
      : this.#writeStale(out, entry, query, this.#query, isStream);
  }

  /** Whether an entry, if expired, may still be given when nothing better is to be had. */
  #isWorthServing(entry: Entry, seconds: number): boolean {
    return this.#cache.overdue(entry, seconds) < this.config.staleSeconds &&
      this.#cache.rcode(entry) !== rcodes.servFail;
  }

  #writeStale(out: Uint8Array, entry: Entry, question: Uint8Array, query: Query, isStream: boolean): number {
    this.#count.staleAnswers++;
    const stored = this.#cache.stored(entry);
    const length = writeStored(out, stored, question, query, isStream, 0);
    overwriteTtls(out, length, stored, staleTtl);
    const hasRoom = query.hasEdns && replyLimit(query, isStream) - length >= 6;
    return hasRoom ? appendExtendedError(out, length, { code: extendedErrors.staleAnswer, text: "" }) : length;
  }

  #prefetch(query: Uint8Array, entry: Entry, now: number): void {
    // Once only. If nothing comes of it, a question behind the expiry is asked as any other.
    this.#cache.setAskAgainAt(entry, this.#cache.expiresAt(entry));
    if (this.#exchange.find(query, this.#query) !== undefined) return;
    this.#count.prefetched++;
    this.#start(copyOf(query, this.#query.end), undefined, now);
  }

  #start(question: Uint8Array, waiter: Waiter<Client> | undefined, now: number): void {
    const { hash, nameEnd, dnssecOk, checkingDisabled } = this.#query;
    const key = { hash, nameEnd, dnssecOk, checkingDisabled };
    const route = this.#routing.find(question, this.#query);
    if (route === this.#routing.nobodys) {
      this.#count.localAnswers++;
      if (waiter !== undefined) this.#replyEmpty(waiter, rcodes.nxDomain, undefined);
      return;
    }
    if (route.pending >= maxPendingPerRoute) {
      if (waiter !== undefined) this.#turnAway(waiter);
      return;
    }
    const hasStale = this.#isWorthServing(this.#cache.find(question, key), Math.floor(now / 1000));
    const pending = newPending(key, route, question, waiter, now + giveUpAfter);
    if (hasStale) pending.staleAt = now + staleAfter;
    this.#exchange.start(pending, now);
  }

  #exchangePort(): ExchangePort<Client> {
    return {
      send: (attempt) => {
        this.#count.forwarded++;
        return this.port.ask(attempt);
      },
      answered: (attempt, bytes, response, now) => this.#deliver(attempt, bytes, response, now),
      unanswered: (pending, now) => this.#fail(pending, now),
      late: (pending) => this.#deliverStale(pending),
    };
  }

  #deliver({ pending, upstream }: Attempt<Client>, bytes: Uint8Array, response: Response, now: number): void {
    if (this.#isRebinding(pending, bytes, response)) {
      this.#count.rebindingBlocked++;
      const error = { code: extendedErrors.blocked, text: "an outside name resolves to a local address" };
      this.#replyEmptyToAll(pending, rcodes.noError, error);
      return;
    }
    const scratch = this.#scratch;
    copyBytes(bytes, 0, response.end, scratch, 0);
    const ttl = normalize(scratch, response, this.config.ttl);
    const { end: length, ttlOffsets, ttlCount } = response;
    if (ttl > 0) this.#store(pending, length, ttlOffsets, ttlCount, ttl, now);
    else this.#cache.forget(pending.question, pending.key);
    const stored: Stored = { bytes: scratch, at: 0, length, ttlOffsets, ttlOffsetsAt: 0, ttlCount };
    for (const { client, isStream, query, question } of pending.waiters) {
      this.#reply(client, isStream, writeStored(this.#out, stored, question, query, isStream, 0), upstream);
    }
  }

  #isRebinding(pending: Pending<Client>, bytes: Uint8Array, response: Response): boolean {
    if (!pending.route.isOutside || !this.#guard.forbids(bytes, response)) return false;
    return !this.#mayRebind.find(pending.question, pending.key.nameEnd);
  }

  /** Keeps what the scratch memory holds as the answer to a question. */
  #store(
    { key, route }: Pending<Client>,
    length: number,
    ttlOffsets: Uint16Array,
    ttlCount: number,
    ttl: number,
    now: number,
  ): void {
    const message = this.#scratch;
    const entry = { key, message, length, ttlOffsets, ttlCount, ttl, outside: route.isOutside };
    this.#cache.store(entry, Math.floor(now / 1000));
  }

  #fail(pending: Pending<Client>, now: number): void {
    this.#count.failures++;
    const seconds = Math.floor(now / 1000);
    const entry = this.#cache.find(pending.question, pending.key);
    if (this.#isWorthServing(entry, seconds)) {
      this.#deliverStale(pending);
      // Short of its expiry (a prefetch has failed) it is simply asked for again when it expires.
      if (!this.#cache.isFresh(entry, seconds)) this.#cache.setAskAgainAt(entry, seconds + failureRecheck);
      return;
    }
    if (pending.refusal === rcodes.servFail) this.#storeServFail(pending, now);
    this.#replyEmptyToAll(pending, pending.refusal ?? rcodes.servFail, reasonOf(pending));
  }

  #storeServFail(pending: Pending<Client>, now: number): void {
    const scratch = this.#scratch;
    scratch.set(pending.question);
    for (let at = headerLength; at < pending.key.nameEnd; at++) scratch[at] = lowerCase[scratch[at]!]!;
    scratch.fill(0, 0, headerLength);
    putU16(scratch, 2, flags.qr | flags.ra | rcodes.servFail);
    putU16(scratch, 4, 1);
    this.#store(pending, pending.question.length, noTtls, 0, servFailTtl, now);
  }

  /** Gives everybody who waits the stale answer, if it is still there; the question goes on. */
  #deliverStale(pending: Pending<Client>): void {
    const entry = this.#cache.find(pending.question, pending.key);
    if (entry === absent) return;
    for (const { client, isStream, query, question } of pending.waiters) {
      this.#reply(client, isStream, this.#writeStale(this.#out, entry, question, query, isStream));
    }
    pending.waiters = [];
  }

  #turnAway(waiter: Waiter<Client>): void {
    this.#count.overload++;
    const error = { code: extendedErrors.other, text: "too many questions are on their way" };
    this.#replyEmpty(waiter, rcodes.servFail, error);
  }

  #replyEmptyToAll(pending: Pending<Client>, rcode: number, error: ExtendedError | undefined): void {
    for (const waiter of pending.waiters) this.#replyEmpty(waiter, rcode, error);
  }

  #replyEmpty(waiter: Waiter<Client>, rcode: number, error: ExtendedError | undefined): void {
    const { client, isStream, query, question } = waiter;
    this.#reply(client, isStream, writeEmpty(this.#out, question, query, rcode, error));
  }

  #reply(client: Client, isStream: boolean, length: number, by?: Upstream): void {
    this.port.reply(client, isStream, this.#out, length, by);
  }
}
