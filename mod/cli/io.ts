/** What a command needs of the world around it. Tests give it another. */

import type { NameserverAnswer } from "../runtime/ask_nameserver.ts";
import { writeAllSync } from "../runtime/write_all.ts";
import { type HttpAnswer, httpGet } from "./http_get.ts";

export type Io = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes a text and a line end to standard output. False: nobody reads it any more. */
  readonly print: (text: string) => boolean;
  /** Writes a text and a line end to standard error. */
  readonly complain: (text: string) => void;
  /** Whether a person looks at standard output. */
  readonly terminal: boolean;
  /** The terminal's width, if it has one to be laid out in. */
  readonly columns: number | undefined;
  /** Asks the `pgw` that runs in this Pod. */
  readonly get: (port: number, path: string) => Promise<HttpAnswer>;
  /** Asks a DNS question as an application of this Pod would. */
  readonly askNameserver: (question: Uint8Array<ArrayBuffer>) => Promise<NameserverAnswer>;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
};

/** The world of this process. */
export function processIo(): Io {
  const terminal = Deno.stdout.isTerminal();
  return {
    env: Deno.env.toObject(),
    print: (text) => write(Deno.stdout, text),
    complain: (text) => write(Deno.stderr, text),
    terminal,
    columns: terminal ? terminalColumns() : undefined,
    get: httpGet,
    askNameserver: async (question) => (await import("../runtime/ask_nameserver.ts")).askNameserver(question),
    now: Date.now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}

/** A terminal may say that it has no columns at all, or so few that nothing can be laid out in them. */
function terminalColumns(): number | undefined {
  const { columns } = Deno.consoleSize();
  return columns < 40 ? undefined : columns;
}

/** A reader that has gone, such as `head`, is no error. */
function write(stream: { writeSync(bytes: Uint8Array): number }, text: string): boolean {
  try {
    writeAllSync(stream, new TextEncoder().encode(`${text}\n`));
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    return false;
  }
}
