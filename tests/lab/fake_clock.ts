/** A wall clock of its own for a program of a Pod (libfaketime): the machine's is never touched. */
import type { Pod } from "./pod.ts";

/** Where programs of the Pod find it. */
const file = "/run/clock";

/** The environment in which a program goes by the clock that {@link setClock} sets. */
export function fakeClock(): Readonly<Record<string, string>> {
  return {
    LD_PRELOAD: findLibrary(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}

/** Lets the Pod's clock jump to so far from the machine's: `+0`, `-1d`, `+10y`. */
export function setClock(pod: Pod, offset: string): void {
  Deno.writeTextFileSync(`${pod.runDirectory}/clock`, `${offset}\n`);
}

function findLibrary(): string {
  for (const { name } of Deno.readDirSync("/usr/lib")) {
    const path = `/usr/lib/${name}/faketime/libfaketimeMT.so.1`;
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
    }
  }
  throw new Error("libfaketimeMT.so.1 is not there: install the package libfaketime");
}
