/** Runs the external tools that `pgw` uses: `iptables-restore` and its IPv6 twin. */

import { MissingCapabilityError, MissingToolError, PgwError } from "../errors.ts";
import { missingCapability } from "./capability.ts";

/** A program and its arguments. No shell reads them. */
export type Argv = readonly [program: string, ...args: string[]];

/** Runs a command to its end. Tests put a fake kernel behind it. */
export interface Runner {
  /**
   * What `argv`, with `stdin` as its input, wrote to its standard output.
   *
   * @param enough says of what was written so far that no more is needed: then the end of the process is not waited for
   * @throws {MissingToolError} the program is not there
   * @throws {MissingCapabilityError} the kernel refused it for want of NET_ADMIN or NET_RAW
   * @throws {CommandError} it failed otherwise
   */
  run(argv: Argv, stdin?: string, enough?: (output: string) => boolean): Promise<string>;
}

/** A command failed, or was killed because it did not end in time. */
export class CommandError extends PgwError {
  /** @param code its exit code; absent: it was killed */
  constructor(readonly argv: Argv, readonly code: number | undefined, readonly stderr: string) {
    const outcome = code === undefined ? "did not end in time and was killed" : `failed with exit code ${code}`;
    super([`'${argv.join(" ")}' ${outcome}`, stderr.trim()].filter((part) => part !== "").join(": "));
  }
}

/** Runs commands as processes, in the C locale. */
export class CommandRunner implements Runner {
  readonly #running = new Set<Promise<unknown>>();
  readonly #feeding = new Set<Promise<unknown>>();

  /**
   * @param timeLimit milliseconds after which a command is killed. The kernel makes all namespaces of a node take turns
   *   when they change links and routes: on one that starts many Pods at once, waits of over 10 s were seen.
   */
  constructor(readonly timeLimit = 30_000) {}

  async run(argv: Argv, stdin?: string, enough?: (output: string) => boolean): Promise<string> {
    const child = spawn(argv, stdin !== undefined);
    const limit = { exceeded: false };
    const timer = setTimeout(() => {
      limit.exceeded = true;
      child.kill("SIGKILL");
    }, this.timeLimit);
    const satisfied = Promise.withResolvers<string>();
    const end = Promise.all([
      child.status,
      read(child.stdout, (output) => enough?.(output) && satisfied.resolve(output)),
      read(child.stderr),
      stdin === undefined ? undefined : this.#feed(child, stdin),
    ]).then(([status, output, complaint]) => {
      if (status.success) return output;
      throw failure(argv, limit.exceeded ? undefined : status.code, complaint);
    }).finally(() => {
      clearTimeout(timer);
      this.#running.delete(end);
    });
    this.#running.add(end);
    return await Promise.race([satisfied.promise, end]);
  }

  /** Until all that runs has its whole input, and can go on without this process. */
  async fed(): Promise<void> {
    await Promise.allSettled(this.#feeding);
  }

  #feed(child: Deno.ChildProcess, stdin: string): Promise<void> {
    const feeding = feed(child, stdin).finally(() => this.#feeding.delete(feeding));
    this.#feeding.add(feeding);
    return feeding;
  }

  /** Until all that was run has ended, what was not waited for included. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }
}

/** What is run: nothing else is, and the compiled program could not. */
const tools = ["iptables-restore", "ip6tables-restore"];

/**
 * Makes sure that all tools are there before any of them changes something.
 *
 * @throws {MissingToolError}
 */
export function requireTools(path = Deno.env.get("PATH") ?? ""): void {
  const missing = tools.find((tool) => !path.split(":").some((directory) => isFile(`${directory}/${tool}`)));
  if (missing !== undefined) throw new MissingToolError(missing, undefined);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function spawn(argv: Argv, withInput: boolean): Deno.ChildProcess {
  const [program, ...args] = argv;
  try {
    return new Deno.Command(program, {
      args,
      clearEnv: true,
      env: environment(),
      stdin: withInput ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    throw error instanceof Deno.errors.NotFound ? new MissingToolError(program, error) : error;
  }
}

/**
 * Ours, in the C locale, without what would load other code into the tools: Deno starts no program with that unless it
 * may start any.
 */
function environment(): Record<string, string> {
  const inherited = Object.entries(Deno.env.toObject()).filter(([name]) => !name.startsWith("LD_"));
  return { ...Object.fromEntries(inherited), LC_ALL: "C" };
}

async function feed(child: Deno.ChildProcess, stdin: string): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
  } catch (error) {
    // It ended before it had read everything: its exit code and stderr say why.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

function failure(argv: Argv, code: number | undefined, stderr: string): PgwError {
  const error = new CommandError(argv, code, stderr);
  if (!/Operation not permitted|Permission denied/.test(stderr)) return error;
  const capability = missingCapability();
  return capability === undefined ? error : new MissingCapabilityError(capability, error);
}

/** All of it, as text; `progress` is called with what there is so far. */
async function read(stream: ReadableStream<Uint8Array>, progress?: (text: string) => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    progress?.(text);
  }
  return text + decoder.decode();
}
