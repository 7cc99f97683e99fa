/** A program that runs in a Pod: its output as it comes, its JSON log lines, signals and its end. */

/** One JSON log line, parsed. */
export type LogRecord = Readonly<Record<string, unknown>>;

export type Line = {
  /** When it was read: milliseconds since 1970. */
  readonly at: number;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
  /** The line parsed, when it is a JSON object. */
  readonly json?: LogRecord;
};

export type LineFilter = RegExp | ((line: Line) => boolean);

/** A program ended badly, or did not do in time what a test waits for. The message holds its output's end. */
export class ProcessError extends Error {
  override name = "ProcessError";
}

export class Process {
  readonly name: string;
  readonly startedAt: number = Date.now();
  readonly lines: Line[] = [];
  /** Settles when the program has ended and all its output was read. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  #status: Deno.CommandStatus | undefined;
  #woken: (() => void)[] = [];

  constructor(name: string, child: Deno.ChildProcess) {
    this.name = name;
    this.#child = child;
    this.ended = this.#follow();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** undefined as long as it runs. */
  get status(): Deno.CommandStatus | undefined {
    return this.#status;
  }

  /** All it wrote so far, both streams. */
  get output(): string {
    return this.lines.map((line) => `${line.text}\n`).join("");
  }

  /** The JSON log records so far. */
  get logs(): readonly LogRecord[] {
    return this.lines.flatMap((line) => line.json === undefined ? [] : [line.json]);
  }

  /**
   * The first line that matches, now or later; `from` leaves out that many lines at the beginning.
   *
   * Throws {@link ProcessError} when the program ends before, or after `timeoutMs`.
   */
  async waitFor(filter: LineFilter, { timeoutMs = 60_000, from = 0 } = {}): Promise<Line> {
    const matches = filter instanceof RegExp ? (line: Line) => filter.test(line.text) : filter;
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.lines.slice(from).find(matches);
      if (found !== undefined) return found;
      const left = deadline - performance.now();
      if (this.#status !== undefined) throw this.#error(`ended (${show(this.#status)}) before it wrote ${filter}`);
      if (left <= 0) throw this.#error(`did not write ${filter} within ${timeoutMs} ms`);
      await this.#somethingHappens(left);
    }
  }

  /** The first JSON log record that matches. */
  async waitForLog(
    filter: (record: LogRecord) => boolean,
    options: { readonly timeoutMs?: number; readonly from?: number } = {},
  ): Promise<LogRecord> {
    const line = await this.waitFor((line) => line.json !== undefined && filter(line.json), options);
    return line.json ?? {};
  }

  /** Sends a signal; nothing happens when the program has ended. */
  kill(signal: Deno.Signal = "SIGTERM"): void {
    if (this.#status !== undefined) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // ended in this moment
    }
  }

  /** Waits for the end. Throws {@link ProcessError} after `timeoutMs`. */
  async end(timeoutMs = 30_000): Promise<Deno.CommandStatus> {
    const deadline = performance.now() + timeoutMs;
    while (this.#status === undefined) {
      const left = deadline - performance.now();
      if (left <= 0) throw this.#error(`did not end within ${timeoutMs} ms`);
      await this.#somethingHappens(left);
    }
    return this.#status;
  }

  /** Sends `signal` and waits for the end; SIGKILL and an error when that takes longer than `timeoutMs`. */
  async stop(signal: Deno.Signal = "SIGTERM", timeoutMs = 30_000): Promise<Deno.CommandStatus> {
    this.kill(signal);
    try {
      return await this.end(timeoutMs);
    } catch (error) {
      this.kill("SIGKILL");
      await this.ended;
      throw error;
    }
  }

  async #follow(): Promise<Deno.CommandStatus> {
    const [status] = await Promise.all([
      this.#child.status,
      this.#read("stdout", this.#child.stdout),
      this.#read("stderr", this.#child.stderr),
    ]);
    this.#status = status;
    this.#wake();
    return status;
  }

  async #read(stream: Line["stream"], bytes: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const chunk of bytes.pipeThrough(new TextDecoderStream())) {
      const texts = (rest + chunk).split("\n");
      rest = texts.pop() ?? "";
      const at = Date.now();
      for (const text of texts) this.lines.push({ at, stream, text, ...parsed(text) });
      this.#wake();
    }
    if (rest !== "") this.lines.push({ at: Date.now(), stream, text: rest, ...parsed(rest) });
  }

  #wake(): void {
    const woken = this.#woken;
    this.#woken = [];
    for (const wake of woken) wake();
  }

  #somethingHappens(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#woken.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #error(what: string): ProcessError {
    const tail = this.lines.slice(-40).map((line) => `  ${line.text}`).join("\n");
    return new ProcessError(`${this.name} ${what}; its output ends:\n${tail}`);
  }
}

function show(status: Deno.CommandStatus): string {
  return status.signal ?? `code ${status.code}`;
}

function parsed(text: string): { readonly json?: LogRecord } {
  if (!text.startsWith("{")) return {};
  try {
    return { json: JSON.parse(text) };
  } catch {
    return {};
  }
}
