/** What the parts of the client's state machine share: steps, log lines, and how a search begins and waits. */

import type { ClientEffect, LogEffect, Loss } from "./client_event.ts";
import { say, silent } from "./client_report.ts";
import type { LeasedAddress } from "../netstate/client.ts";
import type { Aim, ClientState, Link, Random, Search, Step } from "./client_state.ts";

export const fresh: Aim = { attempts: 0, report: silent };

const shortestPauseMs = 100;
const longestPauseMs = 5_000;
const mostAttempts = 30;

export function info(message: string, fields: Readonly<Record<string, unknown>> = {}): LogEffect {
  return { kind: "log", level: "info", message, fields };
}

/** Nothing to do until something happens. */
export function rest(state: ClientState): Step {
  return { state, effects: [], wakeAt: Infinity };
}

/** `effects` before those of `after`. */
export function withEffects(effects: readonly ClientEffect[], after: Step): Step {
  return { ...after, effects: [...effects, ...after.effects] };
}

/** Asks the Pod's nameservers for SERVICE. */
export function resolve(search: Search): Step {
  return { state: { kind: "resolving", search }, effects: [{ kind: "resolve" }], wakeAt: Infinity };
}

/** Waits before the next attempt: longer after each, never above a bound, and never in step with other clients. */
export function pause(search: Search, reason: string, now: number, random: Random): Step {
  const { until, aim, effects } = backOff(search, reason, now, random);
  return { state: { kind: "pausing", search: { ...search, ...aim }, until }, effects, wakeAt: until };
}

/** The least time before another attempt, at a point of it that other clients do not share. */
export function soon(now: number, random: Random): number {
  return now + shortestPauseMs * (0.5 + 0.5 * random());
}

/** @param what the present state of the Pod, for the log */
export function backOff(aim: Aim, reason: string, now: number, random: Random, what?: string) {
  const ceiling = Math.min(longestPauseMs, shortestPauseMs * 2 ** aim.attempts);
  const { report, effects } = say(aim.report, reason, now, what);
  const attempts = Math.min(aim.attempts + 1, mostAttempts);
  return { until: now + ceiling * (0.5 + 0.5 * random()), aim: { ...aim, attempts, report }, effects };
}

/** Closes the Pod and begins anew at SERVICE. */
export function leave(
  { link, lease }: { readonly link: Link; readonly lease: LeasedAddress },
  loss: Loss,
  now: number,
): Step {
  const search: Search = {
    ...fresh,
    report: { ...silent, since: now },
    uplink: link.uplink,
    // Else the fault is not the gateway's, and the address is gone.
    ...(loss.cause !== "lease_lost" ? { previous: lease.address, avoid: link.tunnel.remote } : {}),
  };
  return withEffects([closedLog(loss)], resolve(search));
}

export function closedLog({ cause, reason }: Loss): ClientEffect {
  return { kind: "log", level: "warn", message: `closed: ${reason}`, fields: { reason }, cause };
}
