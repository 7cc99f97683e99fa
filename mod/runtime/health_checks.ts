/** Asks again and again whether DNS upstreams and the user's targets answer: sockets and timers around `health/checks`. */

import { afterRound, type CheckKind, nextRoundMs, noMisses, type Round, silentKinds } from "../health/checks.ts";
import { isAnswer, rootQuestion } from "../health/dns_question.ts";
import type { HealthTarget } from "../health/target.ts";
import { parseUpstream } from "../dns/upstream_address.ts";
import { answers } from "../linux/reach.ts";
import { forwarderMark } from "../netstate/names.ts";
import { openUpstreamSockets, type UpstreamSockets } from "./dns_upstream_sockets.ts";

export type HealthCheckOptions = {
  /** Between rounds while all is well. Milliseconds. */
  readonly intervalMs: number;
  readonly targets: readonly HealthTarget[];
  /** Targets are asked by this interface alone. */
  readonly vpnInterface?: string;
  /** The servers of outside names right now, as `parseUpstream` reads them. */
  upstreams(): readonly string[];
  /** Whether there is a way out at all: without one nobody is asked, and nobody counts as silent. */
  hasWayOut(): boolean;
  /** Told after each round. */
  silent(kinds: readonly CheckKind[]): void;
};

/** An answer that takes longer is of no use to clients either. */
const timeoutMs = 1_000;

export class HealthChecks {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #misses = noMisses;
  #isOpen = true;

  private constructor(readonly options: HealthCheckOptions, readonly sockets: UpstreamSockets) {
    this.#round();
  }

  static async start(options: HealthCheckOptions): Promise<HealthChecks> {
    const mark = options.vpnInterface === undefined ? undefined : forwarderMark;
    return new HealthChecks(options, await openUpstreamSockets([], mark));
  }

  close(): void {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.sockets.close();
  }

  async #round(): Promise<void> {
    const round = this.options.hasWayOut() ? await this.#ask() : {};
    if (!this.#isOpen) return;
    this.#misses = afterRound(this.#misses, this.options.hasWayOut() ? round : {});
    this.options.silent(silentKinds(this.#misses));
    this.#timer = setTimeout(() => this.#round(), nextRoundMs(this.#misses, this.options.intervalMs));
  }

  async #ask(): Promise<Round> {
    const { targets, vpnInterface } = this.options;
    const upstreams = this.options.upstreams();
    const [dns, reached] = await Promise.all([
      any(upstreams.map((upstream) => this.#answersDns(upstream))),
      any(targets.map((target) => answers(target, vpnInterface, timeoutMs))),
    ]);
    return { ...(dns === undefined ? {} : { dns }), ...(reached === undefined ? {} : { targets: reached }) };
  }

  #answersDns(upstream: string): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const server = parseUpstream(upstream);
    const id = Math.floor(Math.random() * 0x10000);
    const timer = setTimeout(() => resolve(false), timeoutMs);
    const question = this.sockets.ask(server, server.transport, rootQuestion(id), {
      received: (bytes, length) => {
        if (isAnswer(bytes.subarray(0, length), id)) resolve(true);
      },
      failed: () => resolve(false),
    });
    return promise.finally(() => {
      clearTimeout(timer);
      question.close();
    });
  }
}

/** Whether any is true, as soon as one is; `undefined`: there are none. */
async function any(all: readonly Promise<boolean>[]): Promise<boolean | undefined> {
  if (all.length === 0) return undefined;
  const wins = all.map(async (one) => await one || Promise.reject());
  return await Promise.any(wins).catch(() => false);
}
