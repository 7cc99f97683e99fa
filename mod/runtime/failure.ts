import { exitCodes, PgwError } from "../errors.ts";

/** Whether trying again cannot help: a right or a program is missing, or something is in the way that is not ours. */
export function isFinal(error: unknown): boolean {
  return error instanceof PgwError && error.exitCode !== exitCodes.failure;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
