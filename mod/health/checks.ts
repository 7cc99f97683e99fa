/**
 * What a gateway makes of asking others whether they answer: DNS upstreams, and the targets that the user named. One
 * answer from a kind is enough for it; a few misses in a row, never one, are needed against it.
 */

export const checkKinds = ["dns", "targets"] as const;
export type CheckKind = typeof checkKinds[number];

/** Whether anybody of a kind answered; a kind is absent when it has nobody to ask. */
export type Round = Readonly<Partial<Record<CheckKind, boolean>>>;

/** Rounds without an answer, one after the other, for each kind. */
export type Misses = Readonly<Record<CheckKind, number>>;

export const noMisses: Misses = { dns: 0, targets: 0 };

/** So many rounds in a row without an answer make a kind silent. */
const missesUntilSilent = 3;
/** A kind that has just missed is asked again so soon, milliseconds. */
const retryMs = 500;

export function afterRound(misses: Misses, round: Round): Misses {
  const after = (kind: CheckKind) => round[kind] === false ? Math.min(misses[kind] + 1, missesUntilSilent) : 0;
  return { dns: after("dns"), targets: after("targets") };
}

/** The kinds of which nobody answers any longer. */
export function silentKinds(misses: Misses): CheckKind[] {
  return checkKinds.filter((kind) => misses[kind] >= missesUntilSilent);
}

/** Milliseconds until the next round. */
export function nextRoundMs(misses: Misses, intervalMs: number): number {
  return checkKinds.some((kind) => misses[kind] > 0) ? Math.min(retryMs, intervalMs) : intervalMs;
}
