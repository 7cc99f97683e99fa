/** How often something may happen. */

/** So many times a second on average, and `burst` times at once. */
export type Rate = { readonly perSecond: number; readonly burst: number };

/**
 * Limits the rate of each of any number of sources in constant memory: sources share buckets by their hash. Each bucket
 * is one number, the time at which it is empty again (the generic cell rate algorithm).
 */
export class RateLimiter {
  readonly #emptyAt: Float64Array;
  readonly #interval: number;
  readonly #tolerance: number;

  /** @param buckets a power of two */
  constructor(rate: Rate, buckets: number) {
    this.#emptyAt = new Float64Array(buckets);
    this.#interval = 1000 / rate.perSecond;
    this.#tolerance = this.#interval * (rate.burst - 1);
  }

  /** Whether the source with this hash may act at `now`; if so, it is counted. */
  allow(hash: number, now: number): boolean {
    const bucket = hash & (this.#emptyAt.length - 1);
    let emptyAt = this.#emptyAt[bucket]!;
    // Further ahead than a bucket can be filled: the clock was set back.
    if (emptyAt < now || emptyAt > now + this.#tolerance + this.#interval) emptyAt = now;
    if (emptyAt - now > this.#tolerance) return false;
    this.#emptyAt[bucket] = emptyAt + this.#interval;
    return true;
  }
}
