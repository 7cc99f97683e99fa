/** One question to the `pgw` that runs in this Pod. */

import { PgwError } from "../errors.ts";
import { type HttpAnswer, httpGet as ask, HttpTimeoutError } from "../runtime/http_get.ts";

export type { HttpAnswer } from "../runtime/http_get.ts";

/** Nobody answers on the port where a running `pgw` would. */
export class NotRunningError extends PgwError {}

const timeoutMs = 5000;
/** 65,000 leases have some 12 MB. */
const longestAnswer = 64 << 20;

/**
 * Asks `http://127.0.0.1:port/path`.
 *
 * @throws {NotRunningError} when nobody listens, or the answer takes longer than 5 s or is none
 */
export async function httpGet(port: number, path: string): Promise<HttpAnswer> {
  const hostname = "127.0.0.1";
  try {
    return await ask({ hostname, port, path, host: `${hostname}:${port}`, timeoutMs, longestAnswer });
  } catch (cause) {
    throw new NotRunningError(problem(cause, `http://${hostname}:${port}`, path), { cause });
  }
}

function problem(error: unknown, where: string, path: string): string {
  if (error instanceof Error && error.cause instanceof Deno.errors.ConnectionRefused) {
    return `nothing listens on ${where}: pgw is not running in this Pod, not yet, or with another PGW_HTTP_PORT`;
  }
  if (error instanceof HttpTimeoutError) return `${where}${path} did not answer within ${timeoutMs / 1000} s`;
  return `${where}${path} gave no answer that is HTTP`;
}
