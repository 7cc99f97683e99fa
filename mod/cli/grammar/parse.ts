/** The whole command line: every command, help, completions, and what is said about a line that is wrong. */

import { or } from "@optique/core/constructs";
import { runParser } from "@optique/core/facade";
import { message } from "@optique/core/message";
import { nearestOf } from "../../config/nearest.ts";
import { flagOf } from "../../config/setting.ts";
import { clientSettings, gatewaySettings } from "../../config/table.ts";
import { exitCodes } from "../../errors.ts";
import { type Invocation, modes } from "../invocation.ts";
import type { Io } from "../io.ts";
import { version } from "../../runtime/version.ts";
import { clientCommand } from "./client.ts";
import { doctorCommand } from "./doctor.ts";
import { gatewayCommand } from "./gateway.ts";
import { dnsCommand } from "./dns.ts";
import { healthCommand } from "./health.ts";
import { leasesCommand } from "./leases.ts";
import { statusCommand } from "./status.ts";
import { versionCommand } from "./version.ts";

const grammar = or(
  gatewayCommand,
  clientCommand,
  healthCommand,
  statusCommand,
  leasesCommand,
  dnsCommand,
  doctorCommand,
  versionCommand,
);
const commands = ["gateway", "client", "health", "status", "leases", "dns", "doctor", "version", "completion", "help"];

/** The invocation, or the exit code when all there was to do, such as printing help, is done. */
export function parseCommandLine(args: readonly string[], io: Io): Invocation | number {
  const done = () => exitCodes.ok;
  const isCommand = commands.includes(args[0] ?? "");
  // the usage of all commands says nothing about a slip within one
  return runParser<typeof grammar, number, number>(grammar, "pgw", args, {
    brief: message`pod-gateway: a Pod's traffic through another Pod.`,
    footer: message`Settings of a role: pgw gateway run --help, pgw client run --help.`,
    commandList: "top-level",
    termWidth: "auto",
    colors: io.terminal,
    ...(io.columns === undefined ? {} : { maxWidth: io.columns }),
    help: { command: true, option: { names: ["--help", "-h"] }, onShow: done },
    version: { value: version, option: true, onShow: done },
    completion: { command: true, onShow: done },
    aboveError: isCommand ? "none" : "usage",
    onError: () => {
      if (isCommand) io.complain(hint(args));
      return exitCodes.usage;
    },
    stdout: io.print,
    stderr: io.complain,
  }) as Invocation | number;
}

/** Where to read on, and which flag was meant by the first one that there is not. */
function hint([command, mode, ...rest]: readonly string[]): string {
  const isMode = modes.some((candidate) => candidate === mode);
  const table = command === "client" ? clientSettings : gatewaySettings;
  const flags = Object.values(table).filter((setting) => !("argument" in setting)).map((row) => `--${flagOf(row)}`);
  const strange = rest.map((word) => word.split("=", 1)[0]!).find((word) =>
    word.startsWith("--") && !flags.includes(word)
  );
  const nearest = isMode && strange !== undefined ? nearestOf(strange, flags) : undefined;
  const meant = nearest === undefined ? "" : `Did you mean ${nearest}? `;
  return `${meant}See: pgw ${isMode ? `${command} ${mode}` : command} --help`;
}
