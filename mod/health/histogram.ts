/** Counts of durations by how long they were. */

export type HistogramCounts = {
  /** Upper bounds, seconds, ascending. */
  readonly bounds: readonly number[];
  /** How many were at most the bound of the same index, and longer than the one before; the last: longer than all. */
  readonly counts: readonly number[];
  /** Seconds. */
  readonly sum: number;
};

export class Histogram implements HistogramCounts {
  readonly counts: number[];
  sum = 0;

  /** @param bounds seconds, ascending */
  constructor(readonly bounds: readonly number[]) {
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(seconds: number): void {
    let index = 0;
    while (index < this.bounds.length && seconds > this.bounds[index]!) index++;
    this.counts[index]!++;
    this.sum += seconds;
  }
}
