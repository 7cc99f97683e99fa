/** From the arguments of the process to its exit code. */

import { readClientSettings, readDoctorSettings, readGatewaySettings, readHttpPort } from "../config/settings.ts";
import type { ClientSettings, GatewaySettings, LogSettings, SettingsInput } from "../config/settings.ts";
import { exitCodes } from "../errors.ts";
import { closeLogging, logger, setUpLogging } from "../runtime/log.ts";
import type { Flags, Invocation, Mode } from "./invocation.ts";
import { type Io, processIo } from "./io.ts";
import { readPlain } from "./plain.ts";
import { reportError } from "./report_error.ts";

export type { Mode } from "./invocation.ts";

/** The two roles. Each ends when its mode is done or a signal stopped it, and throws what it cannot heal. */
export type Roles = {
  readonly runGateway: (mode: Mode, settings: GatewaySettings) => Promise<void>;
  readonly runClient: (mode: Mode, settings: ClientSettings) => Promise<void>;
};

/**
 * Does what `args` say. Commands are loaded when they are asked for: a container's start need not wait for the rest.
 *
 * @returns the process's exit code; nothing is thrown
 */
export async function main(args: readonly string[], roles: Roles, io: Io = processIo()): Promise<number> {
  try {
    const invocation = readPlain(args) ?? (await import("./grammar/parse.ts")).parseCommandLine(args, io);
    return typeof invocation === "number" ? invocation : await run(invocation, roles, io);
  } catch (error) {
    return reportError(error, io);
  } finally {
    await closeLogging();
  }
}

async function run(invocation: Invocation, roles: Roles, io: Io): Promise<number> {
  switch (invocation.command) {
    case "gateway": {
      const { settings, warnings } = readGatewaySettings(input(invocation.flags, io));
      return await runRole(settings, warnings, () => roles.runGateway(invocation.mode, settings));
    }
    case "client": {
      const { settings, warnings } = readClientSettings(input(invocation.flags, io));
      return await runRole(settings, warnings, () => roles.runClient(invocation.mode, settings));
    }
    case "health":
      return await (await import("./health.ts")).health(
        invocation.check,
        readHttpPort(input(invocation.flags, io)),
        io,
      );
    case "status":
      return await (await import("./status.ts")).status(invocation, readHttpPort(input(invocation.flags, io)), io);
    case "leases":
      return await (await import("./leases.ts")).leases(invocation, readHttpPort(input(invocation.flags, io)), io);
    case "dns query":
      return await (await import("./dns_query.ts")).dnsQuery(invocation, readHttpPort(input(invocation.flags, io)), io);
    case "doctor":
      return await (await import("./doctor.ts")).doctor(
        invocation,
        readDoctorSettings(input(invocation.flags, io)),
        io,
      );
    case "version":
      return (await import("./version.ts")).printVersion(io);
  }
}

function input(flags: Flags, io: Io): SettingsInput {
  return { env: io.env, flags };
}

async function runRole(
  settings: LogSettings,
  warnings: readonly string[],
  role: () => Promise<void>,
): Promise<number> {
  await setUpLogging(settings);
  for (const warning of warnings) logger("settings").warn(warning);
  await role();
  return exitCodes.ok;
}
