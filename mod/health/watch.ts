/**
 * Watching a gateway: one probe each interval, and after a miss at once another, so that a gateway that is gone is known
 * within `interval + misses * patience` while a healthy one costs a packet per interval.
 */

import { probeNonce } from "./probe.ts";

export type WatchConfig = {
  /** Between probes while all is well. Milliseconds. */
  readonly intervalMs: number;
  /** So many probes without an answer, one after the other, and the gateway counts as gone. */
  readonly misses: number;
};

/** A client that moves to another gateway looks at the present one at least so often, whatever its interval. */
export const movingIntervalMs = 1_000;

/** How long one probe waits for its answer: {@link patienceMs}. */
const longestPatienceMs = 200;
/** What is known to be undelivered is given up so soon: not at once, so that what heals in a moment is no loss. */
const hurryMs = 20;
/** A gateway that is reached passes packets on while its program is held up: so long that is no reason to leave it. */
const stallMs = 3_000;
/** A process that was woken so much later than it asked for has not listened: what it missed is not counted. */
const lateMs = 50;

export type Watch = {
  readonly config: WatchConfig;
  /** Probes since the last answer; an answer to any of them counts. */
  readonly unanswered: readonly string[];
  /** When the youngest of `unanswered` is given up, or the next probe is due. */
  readonly dueAt: number;
  /** The youngest probe's time was extended because this process slept. */
  readonly extended: boolean;
  /** What is known of why there is no answer. */
  readonly fault?: Fault;
  /** Since the youngest probe the gateway's kernel has taken a connection: it is there, whatever its program does. */
  readonly reached?: true;
  /** When the gateway would have counted as gone for the first time, had it not been reached. */
  readonly stalledAt?: number;
};

/** `noTunnel`: the gateway's Pod has no tunnel. `noWay`: there is no way to the Pod. */
export type Fault = "noTunnel" | "noWay";

/** `stalled`: the gateway's kernel is there, and its program has answered no probe for longer than a busy machine explains. */
export type WatchStep = {
  readonly watch: Watch;
  readonly send?: string;
  readonly gone: boolean;
  readonly stalled?: true;
};

/** A watch whose first probe is due at `dueAt`. */
export function startWatch(config: WatchConfig, dueAt: number): Watch {
  return { config, unanswered: [], dueAt, extended: false };
}

/** Milliseconds that a probe is given: a fifth of a second, and less where the interval asks for it. */
export function patienceMs(config: WatchConfig): number {
  return Math.min(longestPatienceMs, config.intervalMs / 2);
}

/** What is due at `now`: nothing, a probe, or the end of patience. */
export function tickWatch(watch: Watch, now: number, random: () => number): WatchStep {
  if (now < watch.dueAt) return { watch, gone: false };
  const waiting = watch.unanswered.length > 0;
  if (waiting && !watch.extended && now - watch.dueAt > lateMs) {
    return { watch: { ...watch, dueAt: now + patienceMs(watch.config), extended: true }, gone: false };
  }
  if (watch.unanswered.length < watch.config.misses) return probeNow(watch, now, random);
  if (!watch.reached) return { watch, gone: true };
  const stalledAt = watch.stalledAt ?? now;
  const next = probeNow({ ...watch, stalledAt }, now, random);
  const step = { ...next, watch: { ...next.watch, dueAt: now + movingIntervalMs } };
  return now - stalledAt < stallMs ? step : { ...step, stalled: true };
}

/** Sends a probe without waiting for the interval. */
export function probeNow(watch: Watch, now: number, random: () => number): WatchStep {
  const nonce = probeNonce(random);
  const { reached: _, ...before } = watch;
  const unanswered = [...watch.unanswered, nonce].slice(-watch.config.misses);
  return {
    watch: { ...before, unanswered, dueAt: now + patienceMs(watch.config), extended: false },
    send: nonce,
    gone: false,
  };
}

/** The watch when the youngest probe is known to be lost. */
export function hurryWatch(watch: Watch, fault: Fault, now: number): Watch {
  if (watch.unanswered.length === 0) return watch;
  return { ...watch, dueAt: Math.min(watch.dueAt, now + hurryMs), extended: true, fault };
}

/** The watch when the gateway's kernel has taken a connection. */
export function reachWatch(watch: Watch): Watch {
  return watch.unanswered.length === 0 ? watch : { ...watch, reached: true };
}

/** The watch whose next probe is not waited for. */
export function probeSoon(watch: Watch, now: number): Watch {
  return watch.unanswered.length === 0 ? { ...watch, dueAt: now } : watch;
}

/** The watch after an answer with `nonce`; the same watch when nobody asked that. */
export function answerWatch(watch: Watch, nonce: string, now: number): Watch {
  if (!watch.unanswered.includes(nonce)) return watch;
  return startWatch(watch.config, now + watch.config.intervalMs);
}
