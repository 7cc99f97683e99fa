/** System calls of a program that runs in a Pod, as they are made; and held up, for tests of who waits for them. */
import type { Pod } from "./pod.ts";
import type { Process } from "./process.ts";
import { eventually } from "./roles.ts";

export type TraceOptions = {
  /** Only calls that have to do with these files; they need not be there yet. */
  readonly paths: readonly string[];
  /** Names of system calls, as strace takes them. */
  readonly calls: readonly string[];
  /** How long each call lasts that is among `delayed`, by default all of `calls`. */
  readonly delayMs?: number;
  readonly delayed?: readonly string[];
};

/** strace, when it sees the calls of `process`. Its output has a line for each; SIGINT ends it and leaves the program alone. */
export async function trace(pod: Pod, process: Process, options: TraceOptions): Promise<Process> {
  const { paths, calls, delayMs, delayed = calls } = options;
  const delay = delayMs === undefined ? [] : ["-e", `inject=${delayed}:delay_enter=${delayMs * 1_000}`];
  const only = paths.flatMap((path) => ["-P", path]);
  const tracer = pod.spawn(["strace", "-f", "-y", ...only, "-e", `trace=${calls}`, ...delay, "-p", `${process.pid}`]);
  await eventually("strace has attached", () => Promise.resolve(tracer.output.includes("attached")), 60_000);
  return tracer;
}
