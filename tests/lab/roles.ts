/** The two roles as tests start them. */
import type { GatewayPod } from "./gateway_pod.ts";
import type { RunOptions } from "./namespace.ts";
import type { Pod } from "./pod.ts";
import { type LogRecord, type Process, ProcessError } from "./process.ts";
import { names } from "./topology.ts";

type Env = NonNullable<RunOptions["env"]>;

/**
 * Starts `pgw gateway run` (or what `args` say) and returns when it serves clients. Told to stop, it waits a second at most
 * for those that stay.
 */
export async function startGateway(
  pod: GatewayPod,
  env: Env = {},
  args: readonly string[] = ["gateway", "run"],
): Promise<Process> {
  const pgw = pod.pgw(args, { env: { PGW_DRAIN_TIME: "1", ...env } });
  await pgw.waitForLog(says("serving"), { timeoutMs: 60_000 });
  return pgw;
}

/** Starts `pgw client run SERVICE` (or what `args` say), with a check of the gateway every 0.3 s. */
export function startClient(
  pod: Pod,
  env: Env = {},
  args: readonly string[] = ["client", "run", names.gateway],
  options: Parameters<Pod["pgw"]>[1] = {},
): Process {
  return pod.pgw(args, { ...options, env: { PGW_CLIENT_PING_INTERVAL: "0.3", ...env } });
}

/** Waits until a client has opened its Pod; `from` as in `waitFor`. Returns the log record. */
export async function untilOpen(client: Process, from = 0): Promise<LogRecord> {
  return await client.waitForLog(says("open: "), { timeoutMs: 60_000, from });
}

/** Waits until a client has closed its Pod again. */
export async function untilClosed(client: Process, from = 0): Promise<LogRecord> {
  return await client.waitForLog(says("closed: "), { timeoutMs: 60_000, from });
}

/** Waits until a client has closed its Pod, or looks for another gateway while the present one still carries traffic. */
export async function untilLeft(client: Process, from = 0): Promise<LogRecord> {
  const isLeft = (record: LogRecord) => says("closed: ")(record) || says("moving: ")(record);
  return await client.waitForLog(isLeft, { timeoutMs: 60_000, from });
}

/** A filter for log records whose message begins with `text`. */
export function says(text: string): (record: LogRecord) => boolean {
  return ({ message }) => typeof message === "string" && message.startsWith(text);
}

/** What `pgw` with these arguments prints in a Pod: standard output alone, as a user would take it into a file. */
export async function printed(pod: Pod, ...args: readonly string[]): Promise<string> {
  const command = pod.pgw(args);
  const { code } = await command.end();
  if (code !== 0) throw new ProcessError(`pgw ${args.join(" ")} ended (code ${code}):\n${command.output}`);
  return command.lines.filter(({ stream }) => stream === "stdout").map(({ text }) => text).join("\n");
}

/** Asks `check` until it returns something but undefined or false. Throws after `timeoutMs`. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not so within ${timeoutMs} ms`);
    await sleep(50);
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
