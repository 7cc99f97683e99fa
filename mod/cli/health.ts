import { exitCodes } from "../errors.ts";
import type { HealthCheck } from "./invocation.ts";
import type { Io } from "./io.ts";
import { printable } from "./render.ts";

const paths = { ready: "/readyz", live: "/livez", startup: "/healthz" } as const;

/**
 * `pgw health`: prints what the running `pgw` says about itself.
 *
 * @returns 0 when all is well, else 1
 * @throws {NotRunningError} when nobody answers
 */
export async function health(check: HealthCheck | undefined, port: number, io: Io): Promise<number> {
  const { status, body } = await io.get(port, check === undefined ? "/healthz" : paths[check]);
  const text = body.trimEnd().split("\n").map(printable).join("\n");
  if (status === 200) {
    io.print(text);
    return exitCodes.ok;
  }
  io.complain(text === "" ? `HTTP status ${status}` : text);
  return exitCodes.failure;
}
