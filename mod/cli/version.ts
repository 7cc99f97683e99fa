import { exitCodes } from "../errors.ts";
import { version } from "../runtime/version.ts";
import type { Io } from "./io.ts";

/** `pgw version` */
export function printVersion(io: Io): number {
  const { deno, v8 } = Deno.version;
  io.print(`pgw ${version} (Deno ${deno}, V8 ${v8}, ${Deno.build.target})`);
  return exitCodes.ok;
}
