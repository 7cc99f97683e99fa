import project from "../../deno.json" with { type: "json" };
import { exitCodes } from "../errors.ts";
import type { Io } from "./io.ts";

/** The version of this program. */
export const version: string = project.version;

/** `pgw version` */
export function printVersion(io: Io): number {
  const { deno, v8 } = Deno.version;
  io.print(`pgw ${version} (Deno ${deno}, V8 ${v8}, ${Deno.build.target})`);
  return exitCodes.ok;
}
