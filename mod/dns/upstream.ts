/** What is known of each upstream server, and which one to ask next. */

import { Histogram } from "../health/histogram.ts";
import type { UpstreamAddress } from "./upstream_address.ts";
import { formatUpstream } from "./upstream_address.ts";

/** Milliseconds. A server that was never measured is given this long before the next one is asked beside it. */
const firstTimeout = 400;
const minimumTimeout = 150;
const maximumTimeout = 1000;
/**
 * A server that has answered nothing for so long, though asked, is asked something easy; one that does not answer that
 * either is dead: only probes go to it.
 */
const silenceUntilDead = 1500;
const doubtUntilDead = 600;
const firstProbeAfter = 250;
const maximumProbeInterval = 5000;
/** Milliseconds. What a server seems not to be able to do is tried again: it may have been somebody else, or chance. */
const ednsAgainAfter = 300_000;
const tcpAgainAfter = 60_000;
const spellingAgainAfter = 300_000;
/** So many names in a row came back in another spelling: it is the server's way, and not that it joined two clients. */
const manyOtherSpellings = 8;
/** How much of its round trip a server that is not asked is given off per question, so that it is tried again. */
const aging = 0.98;
/** Seconds: from a resolver in the same Pod to one that a stub resolver no longer waits for. */
const latencyBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export class Upstream {
  /** Smoothed round trip and its deviation (RFC 6298 section 2), milliseconds; undefined before the first answer. */
  roundTrip: number | undefined;
  #deviation = 0;
  /** When it was asked first since its last answer. */
  #askedSince: number | undefined;
  /** When it was asked something easy because of its silence. */
  #doubtedSince: number | undefined;
  #probeInterval = firstProbeAfter;
  #probeAt = 0;
  isDead = false;
  #ednsAgainAt = -Infinity;
  #tcpAgainAt = -Infinity;
  #otherSpellings = 0;
  #respellsUntil = -Infinity;
  asked = 0;
  answered = 0;
  failed = 0;
  /** How long its answers took. */
  readonly latency = new Histogram(latencyBounds);
  readonly name: string;

  constructor(readonly address: UpstreamAddress) {
    this.name = formatUpstream(address);
  }

  /** How long to wait for an answer before another server is asked, milliseconds. */
  get timeout(): number {
    if (this.roundTrip === undefined) return firstTimeout;
    return Math.min(Math.max(this.roundTrip + 4 * this.#deviation, minimumTimeout), maximumTimeout);
  }

  noteAsked(now: number): void {
    this.asked++;
    this.#askedSince ??= now;
  }

  noteAnswer(roundTrip: number): void {
    this.answered++;
    this.latency.observe(roundTrip / 1000);
    this.#askedSince = undefined;
    this.#doubtedSince = undefined;
    this.isDead = false;
    this.#probeInterval = firstProbeAfter;
    if (this.roundTrip === undefined) {
      this.roundTrip = roundTrip;
      this.#deviation = roundTrip / 2;
    } else {
      this.#deviation += (Math.abs(this.roundTrip - roundTrip) - this.#deviation) / 4;
      this.roundTrip += (roundTrip - this.roundTrip) / 8;
    }
  }

  /** Whether it is not known to be one that EDNS is too much for. */
  takesEdns(now: number): boolean {
    return now >= this.#ednsAgainAt;
  }

  /** A question that was sent at `sentAt` without EDNS was answered. That says something only if EDNS had been tried. */
  noteAnswerWithoutEdns(sentAt: number, now: number): void {
    if (this.takesEdns(sentAt)) this.#ednsAgainAt = now + ednsAgainAfter;
  }

  takesTcp(now: number): boolean {
    return now >= this.#tcpAgainAt;
  }

  noteTcpFailure(now: number): void {
    this.#tcpAgainAt = now + tcpAgainAfter;
  }

  /** Whether it gives names back in another spelling than they came in. A dead one is probed as any other. */
  respells(now: number): boolean {
    return !this.isDead && now < this.#respellsUntil;
  }

  noteSameSpelling(): void {
    this.#otherSpellings = 0;
    this.#respellsUntil = -Infinity;
  }

  noteOtherSpelling(now: number): void {
    if (++this.#otherSpellings >= manyOtherSpellings) this.#respellsUntil = now + spellingAgainAfter;
  }

  /**
   * An answer did not come in time. True when the server should be asked what any resolver knows at once: its silence may
   * be that of the names' own servers, which somebody may have chosen for that.
   */
  noteSilence(now: number): boolean {
    if (this.isDead || this.#askedSince === undefined || now - this.#askedSince < silenceUntilDead) return false;
    if (this.#doubtedSince === undefined) {
      this.#doubtedSince = now;
      return true;
    }
    if (now - this.#doubtedSince >= doubtUntilDead) this.#die(now);
    return false;
  }

  /** The question could not be sent, or was refused by the host. */
  noteFailure(now: number): void {
    this.failed++;
    this.#die(now);
  }

  /** Whether a dead server should be tried with a question; saying yes counts as the try. */
  takeProbe(now: number): boolean {
    if (!this.isDead || now < this.#probeAt) return false;
    this.#probeInterval = Math.min(2 * this.#probeInterval, maximumProbeInterval);
    this.#probeAt = now + this.#probeInterval;
    return true;
  }

  age(): void {
    if (this.roundTrip !== undefined) this.roundTrip *= aging;
  }

  #die(now: number): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#probeAt = now + this.#probeInterval;
  }
}

/** Servers that are equally right for a question. */
export class UpstreamGroup {
  constructor(readonly upstreams: readonly Upstream[]) {}

  /** Whether a question would be sent at all. */
  get isUsable(): boolean {
    return this.upstreams.some((upstream) => !upstream.isDead);
  }

  /**
   * The fastest living server that neither list holds, those not yet measured first; undefined when there is none.
   */
  fastest(tried: readonly Upstream[], refused: readonly Upstream[]): Upstream | undefined {
    let best: Upstream | undefined;
    for (const upstream of this.upstreams) {
      if (upstream.isDead || tried.includes(upstream) || refused.includes(upstream)) continue;
      if (best === undefined || (upstream.roundTrip ?? 0) < (best.roundTrip ?? 0)) best = upstream;
    }
    if (best !== undefined && this.upstreams.length > 1) {
      for (const upstream of this.upstreams) if (upstream !== best) upstream.age();
    }
    return best;
  }

  /** A dead server whose probe is due. */
  probe(now: number): Upstream | undefined {
    return this.upstreams.find((upstream) => upstream.takeProbe(now));
  }
}
