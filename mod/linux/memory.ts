/** Takes little memory, and gives back what the start needed and the wait after it does not. */

import { libc } from "./libc.ts";

/** malloc.h */
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
const M_ARENA_MAX = -8;
/** Less than a buffer for the largest DNS message. */
const largeBlock = 64_000;
/** Bytes by which V8's heap has grown since it was last collected here, for which it is worth to keep somebody waiting. */
const worthCollecting = 4e6;

let heapBefore = 0;

/**
 * Has the C heap give back its free end at once, and map each large block on its own: of a table or a buffer of which
 * little is used, the rest then takes no memory. By itself glibc raises both limits, up to some MB, as large blocks come
 * and go, and lays a large block into what the start left free. Threads that come after this share the heaps that are there:
 * each of their own would stay half empty (0.6 MB of a client), and they allocate too little to wait for each other. To be
 * called before there are many.
 */
export function keepHeapSmall(): void {
  libc.mallopt(M_TRIM_THRESHOLD, largeBlock);
  libc.mallopt(M_MMAP_THRESHOLD, largeBlock);
  libc.mallopt(M_ARENA_MAX, 1);
}

/**
 * Frees what is garbage and returns free memory of the C heap to the kernel, which neither V8 nor glibc does by itself
 * in a process that waits. Garbage stops the program for 10 ms, so that only much of it is collected while somebody waits.
 *
 * @param isIdle whether nobody waits for the program: it stops for twice as long, and what it does next is slower
 */
export function releaseMemory(isIdle: boolean): void {
  if (isIdle || Deno.memoryUsage().heapUsed - heapBefore >= worthCollecting) collectGarbage(isIdle);
  libc.malloc_trim(0n);
}

function collectGarbage(isIdle: boolean): void {
  // There if the program runs with --expose-gc, as it is compiled. The last resort also gives back the pages that are
  // half empty and the code that has not run for long: 1.9 MB of a client's 10.5 MB heap. But all code loses what was
  // learned to optimise it by.
  const collect: unknown = Reflect.get(globalThis, "gc");
  const flavor = isIdle ? "last-resort" : "regular";
  if (typeof collect === "function") collect({ type: "major", execution: "sync", flavor });
  heapBefore = Deno.memoryUsage().heapUsed;
}

/** How long processors have worked for this process so far, all threads together: milliseconds. */
export function processorTimeMs(): number {
  const clocksPerMillisecond = 1_000;
  return Number(libc.clock()) / clocksPerMillisecond;
}
