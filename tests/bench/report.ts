/** Numbers as the benches print them. */

/** The `q`-quantile (0 to 1) of measured values: the nearest of them. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

export function median(values: readonly number[]): number {
  const [low, high] = [quantile(values, 0.5), quantile(values.map((value) => -value), 0.5)];
  return (low - high) / 2;
}

/** `min 1, median 2, max 3 ms (5 rounds)`. */
export function spread(values: readonly number[], unit: string, digits = 0): string {
  const [least, middle, most] = [Math.min(...values), median(values), Math.max(...values)];
  const text = [least, middle, most].map((value) => value.toFixed(digits));
  return `min ${text[0]}, median ${text[1]}, max ${text[2]} ${unit} (${values.length} rounds)`;
}

/** Prints what was to be reached beside what was measured; returns whether it was. */
export function judge(
  what: string,
  value: number,
  limit: { readonly atMost?: number; readonly atLeast?: number },
): boolean {
  const { atMost = Infinity, atLeast = -Infinity } = limit;
  const isReached = value <= atMost && value >= atLeast;
  const goal = limit.atMost === undefined ? `>= ${atLeast}` : `<= ${atMost}`;
  console.log(`${isReached ? "reached" : "MISSED "}  ${what}: ${value.toFixed(value < 10 ? 2 : 0)}, to reach ${goal}`);
  return isReached;
}

/** "2 cores, load 0.5": absolute times mean little on a busy machine. */
export function machine(): string {
  const [load = 0] = Deno.loadavg();
  return `${navigator.hardwareConcurrency} cores, load ${load.toFixed(1)}, Linux ${Deno.osRelease()}`;
}
