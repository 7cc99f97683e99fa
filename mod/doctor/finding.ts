/** What `pgw doctor` finds, and how it says so. */

/** One thing that was looked at. */
export type Finding = {
  /** What was looked at, in a word or two: `kernel`, `leak: UDP by IPv6`. */
  readonly check: string;
  /** `skipped`: it could not be told; `detail` says why. */
  readonly outcome: "ok" | "problem" | "skipped";
  /** What was tried and what happened. */
  readonly detail: string;
  /** What to do about a problem. */
  readonly remedy?: string;
};

export function ok(check: string, detail: string): Finding {
  return { check, outcome: "ok", detail };
}

export function problem(check: string, detail: string, remedy: string): Finding {
  return { check, outcome: "problem", detail, remedy };
}

export function skipped(check: string, why: string): Finding {
  return { check, outcome: "skipped", detail: why };
}

/** Whether nothing is wrong. What was skipped says nothing either way. */
export function isWell(findings: readonly Finding[]): boolean {
  return findings.every(({ outcome }) => outcome !== "problem");
}
