/** Gives back memory that the start needed and the wait after it does not. */

import { libc } from "./libc.ts";

/**
 * Frees what is garbage and returns free memory of the C heap to the kernel, which neither V8 nor glibc does by itself
 * in a process that waits. It stops the program for some milliseconds.
 *
 * @param isIdle whether nobody waits for the program: it stops for three times as long, and what it does next is slower
 */
export function releaseMemory(isIdle: boolean): void {
  // There if the program runs with --expose-gc, as it is compiled. The last resort also gives back the pages that are
  // half empty and the code that has not run for long: 1.9 MB of a client's 10.5 MB heap. But all code loses what was
  // learned to optimise it by.
  const collect: unknown = Reflect.get(globalThis, "gc");
  const flavor = isIdle ? "last-resort" : "regular";
  if (typeof collect === "function") collect({ type: "major", execution: "sync", flavor });
  libc.malloc_trim(0n);
}

/** How long processors have worked for this process so far, all threads together: milliseconds. */
export function processorTimeMs(): number {
  const clocksPerMillisecond = 1_000;
  return Number(libc.clock()) / clocksPerMillisecond;
}
