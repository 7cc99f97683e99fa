/**
 * A short way for the command lines that start containers and probe them.
 *
 * `grammar/` is what a command line means; but the library behind it takes 30 ms to load (compiled; 70 ms from source),
 * as long as all the rest of a start. So a line that is nothing but commands, known flags with values and SERVICE is read
 * here. Every other line, a wrong one above all, is not this module's business. A test holds the two against each other.
 */

import { flagOf, type Table } from "../config/setting.ts";
import { clientSettings, commonTable, gatewaySettings } from "../config/table.ts";
import { type Flags, healthChecks, type Invocation, modes } from "./invocation.ts";

/** The invocation, or undefined when `grammar/` has to read this line. */
export function readPlain(args: readonly string[]): Invocation | undefined {
  const [command, ...rest] = args;
  if (command === "health") return readHealth(rest);
  if (command !== "gateway" && command !== "client") return undefined;
  const mode = modes.find((candidate) => candidate === rest[0]);
  const flags = readFlags(rest.slice(1), command === "client" ? clientSettings : gatewaySettings);
  return mode === undefined || flags === undefined ? undefined : { command, mode, flags };
}

function readHealth(args: readonly string[]): Invocation | undefined {
  const check = healthChecks.find((candidate) => args[0] === `--${candidate}`);
  const flags = readFlags(check === undefined ? args : args.slice(1), { httpPort: commonTable.httpPort });
  return flags === undefined ? undefined : { command: "health", check, flags };
}

function readFlags(args: readonly string[], table: Table): Flags | undefined {
  const settings = Object.values(table);
  const flags: Record<string, string> = {};
  for (let index = 0; index < args.length; index++) {
    const word = args[index]!;
    const [, name, joined] = /^--([a-z][a-z-]*)(?:=([^]*))?$/.exec(word) ?? [];
    const setting = settings.find((candidate) =>
      name === undefined ? candidate.argument === true : !candidate.argument && flagOf(candidate) === name
    );
    const value = name === undefined ? word : joined ?? args[++index];
    if (setting === undefined || value === undefined || value.startsWith("-")) return undefined;
    const flag = flagOf(setting);
    if (flag in flags) return undefined;
    flags[flag] = value;
  }
  return flags;
}
