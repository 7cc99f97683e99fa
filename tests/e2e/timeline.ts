/** What an application saw: the lines that `prober` logs, `SECONDS ANSWER`. */

export type Moment = {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The address that the web server outside saw; absent: no answer. */
  readonly source?: string;
};

export function parseTimeline(log: string): Moment[] {
  return log.split("\n").filter((line) => line !== "").map((line) => {
    const [seconds, answer] = line.split(" ");
    return { at: Number(seconds) * 1000, ...(answer === "-" ? {} : { source: answer! }) };
  });
}

/** The longest time without an answer since `from`, in milliseconds: from an answer to the next one. */
export function longestGap(timeline: readonly Moment[], from: number): number {
  let longest = 0;
  let last: number | undefined;
  for (const { at, source } of timeline) {
    if (source === undefined) continue;
    if (last !== undefined && at >= from) longest = Math.max(longest, at - last);
    last = at;
  }
  return longest;
}
