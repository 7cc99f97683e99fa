import type { HttpAnswer } from "../../../mod/cli/http_get.ts";
import { NotRunningError } from "../../../mod/cli/http_get.ts";
import type { Io } from "../../../mod/cli/io.ts";

/** A world that remembers what was printed, and answers as `answers` say. */
export type FakeIo = Io & { readonly out: string[]; readonly err: string[]; readonly asked: string[] };

export function fakeIo(
  options: Partial<Pick<Io, "env" | "terminal" | "sleep" | "askNameserver">> & {
    answers?: Readonly<Record<string, HttpAnswer>>;
    /** So many texts are read from standard output, and then no more. */
    readers?: number;
  } = {},
): FakeIo {
  const out: string[] = [];
  const err: string[] = [];
  const asked: string[] = [];
  return {
    out,
    err,
    asked,
    env: options.env ?? {},
    print: (text) => out.push(text) <= (options.readers ?? Infinity),
    complain: (text) => err.push(text),
    terminal: options.terminal ?? false,
    columns: undefined,
    get: (port, path) => {
      asked.push(`${port}${path}`);
      const answer = options.answers?.[path];
      return answer ? Promise.resolve(answer) : Promise.reject(new NotRunningError("nothing listens"));
    },
    askNameserver: options.askNameserver ?? (() => Promise.reject(new Error("no nameserver"))),
    now: () => 1_700_000_000_000,
    sleep: options.sleep ?? (() => Promise.resolve()),
  };
}
