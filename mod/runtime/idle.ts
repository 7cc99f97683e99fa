/** Gives back memory when the work of a start, or of a look around, is over. */

import { releaseMemory } from "../linux/memory.ts";

/** Soon after work its garbage is there; the threads of Deno's pool, and what they held, go ten seconds later. */
const releasesAfterMs = [1_500, 12_000];

export class IdleRelease implements Disposable {
  #timers: ReturnType<typeof setTimeout>[] = [];

  /** Something was done; memory is released some time from now, unless more is done before. */
  worked(): void {
    this[Symbol.dispose]();
    this.#timers = releasesAfterMs.map((ms) => setTimeout(releaseMemory, ms));
  }

  [Symbol.dispose](): void {
    this.#timers.forEach(clearTimeout);
  }
}
