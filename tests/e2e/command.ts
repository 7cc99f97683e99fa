/** Runs other programs: kind, kubectl, docker. */

export type Output = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type Options = {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds until the program is killed. */
  readonly timeoutMs?: number;
};

/** A program ended with another code than 0. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  constructor(readonly command: readonly string[], readonly output: Output) {
    super(`${command.join(" ")}: exit code ${output.code}\n${(output.stderr || output.stdout).trimEnd()}`);
  }
}

/** Runs `command` and tells how it ended, whatever that is. */
export async function attempt(command: readonly string[], options: Options = {}): Promise<Output> {
  const [program, ...args] = command;
  const child = new Deno.Command(program!, {
    args,
    env: { ...options.env },
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(options.timeoutMs ?? 120_000),
  }).spawn();
  if (options.stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(options.stdin));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/**
 * Runs `command` and returns its standard output.
 *
 * @throws {CommandError} when it fails
 */
export async function run(command: readonly string[], options: Options = {}): Promise<string> {
  const output = await attempt(command, options);
  if (output.code !== 0) throw new CommandError(command, output);
  return output.stdout;
}

/** The path of `program` on the PATH. */
export async function which(program: string): Promise<string | undefined> {
  const { code, stdout } = await attempt(["sh", "-c", 'command -v "$1"', "sh", program]);
  return code === 0 ? stdout.trim() : undefined;
}
