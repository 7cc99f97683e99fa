/** What a client says of its waiting: each reason once, and then one at growing intervals. */

import type { ClientEffect } from "./client_event.ts";

/** What was said about waiting, so that each reason is said once, and then one at growing intervals. */
export type Report = {
  /** When the waiting began; absent: nothing was said yet. */
  readonly since?: number;
  /** The youngest ones. */
  readonly reasons: readonly string[];
  readonly nextAt: number;
  readonly gapMs: number;
};

const firstReportGapMs = 10_000;
const longestReportGapMs = 600_000;
const reasonsKept = 8;

/** Nothing was said yet. */
export const silent: Report = { reasons: [], nextAt: 0, gapMs: firstReportGapMs };

/** Says why the client waits: a new reason at once, old ones at growing intervals; an error once it has lasted. */
export function say(
  report: Report,
  reason: string,
  now: number,
  what = "the Pod is closed",
): { report: Report; effects: ClientEffect[] } {
  const { since = now, reasons, nextAt, gapMs } = report;
  const isDue = now >= nextAt;
  if (reasons.includes(reason) && !isDue) return { report, effects: [] };
  const waitedMs = now - since;
  const log: ClientEffect = {
    kind: "log",
    level: waitedMs < firstReportGapMs ? "warn" : "error",
    message: `${what}: ${reason}`,
    fields: { reason, waitedMs },
  };
  const said = {
    since,
    reasons: [...reasons.filter((other) => other !== reason), reason].slice(-reasonsKept),
    ...(isDue ? { nextAt: now + gapMs, gapMs: Math.min(longestReportGapMs, 2 * gapMs) } : { nextAt, gapMs }),
  };
  return { report: said, effects: [log] };
}
