/** Gives back memory when the work of a start, or of a look around, is over. */

import { processorTimeMs, releaseMemory } from "../linux/memory.ts";

/** Soon after work its garbage is there; the threads of Deno's pool, and what they held, go ten seconds later. */
const releasesAfterMs = [1_500, 12_000];
/** Whoever works for more than this part of a while is not idle. */
const idle = { windowMs: 250, share: 0.1 };

export type IdlePorts = {
  /** How long processors have worked for this process so far. */
  processorTimeMs(): number;
  releaseMemory(isIdle: boolean): void;
};

export class IdleRelease implements Disposable {
  #timers: ReturnType<typeof setTimeout>[] = [];

  constructor(readonly ports: IdlePorts = { processorTimeMs, releaseMemory }) {}

  /** Something was done; memory is released some time from now, unless more is done before. */
  worked(): void {
    this[Symbol.dispose]();
    for (const ms of releasesAfterMs) {
      let before = 0;
      this.#timers.push(
        setTimeout(() => before = this.ports.processorTimeMs(), ms),
        setTimeout(() => this.#release(this.ports.processorTimeMs() - before), ms + idle.windowMs),
      );
    }
  }

  #release(workedMs: number): void {
    this.ports.releaseMemory(workedMs < idle.share * idle.windowMs);
  }

  [Symbol.dispose](): void {
    this.#timers.forEach(clearTimeout);
    this.#timers = [];
  }
}
