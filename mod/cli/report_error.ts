import { exitCodes, PgwError } from "../errors.ts";
import { logger, logTransports } from "../runtime/log.ts";
import type { Io } from "./io.ts";

/**
 * Tells the user of the error that ends the process: in the log, and on standard error where the log does not show
 * there. An error that is no PgwError is a bug of ours, and is told with its stack.
 *
 * @returns the process's exit code
 */
export function reportError(error: unknown, io: Io): number {
  const log = logger();
  const expected = error instanceof PgwError;
  const message = error instanceof Error ? error.message : String(error);
  const lines = expected ? message.split("\n") : [`unexpected error, please report it: ${message}`];
  const stack = error instanceof Error && (!expected || log.isEnabledFor("debug")) ? { stack: error.stack } : {};
  for (const line of lines) log.error(withoutPlaceholders(line), stack);
  if (!logTransports().includes("console")) {
    for (const line of lines) io.complain(`pgw: ${line}`);
    if (stack.stack !== undefined) io.complain(stack.stack);
  }
  return expected ? error.exitCode : exitCodes.failure;
}

/** In a message for LogTape a brace begins the name of a property. */
function withoutPlaceholders(text: string): string {
  return text.replaceAll("{", "{{").replaceAll("}", "}}");
}
