/** The settings of a role, typed, checked and complete. */

import type { AddressRange } from "../dhcp/address_range.ts";
import { checkClient, checkGateway, resolvePool } from "./checks.ts";
import { type Reading, readTable, type SettingsInput } from "./read_table.ts";
import type { Table, Values } from "./setting.ts";
import { SettingsError } from "./settings_error.ts";
import type { Service } from "./service.ts";
import {
  clientSettings,
  type clientTable,
  commonTable,
  doctorSettings,
  gatewaySettings,
  type gatewayTable,
} from "./table.ts";
import { unknownVariables } from "./unknown_variables.ts";

export { gatewayAddress } from "./checks.ts";
export { SettingsError } from "./settings_error.ts";
export type { SettingsInput } from "./read_table.ts";

/** Settings of both roles; `mod/config/table.ts` says what each means. */
export type CommonSettings = Values<typeof commonTable>;
/** Settings of a gateway. */
export type GatewaySettings = CommonSettings & Omit<Values<typeof gatewayTable>, "dhcpPool"> & {
  readonly dhcpPool: AddressRange;
};
/** Settings of a client. */
export type ClientSettings = CommonSettings & Values<typeof clientTable>;

/** Settings of both roles, for `pgw doctor`. */
export type DoctorSettings = GatewaySettings & Omit<ClientSettings, "service"> & {
  readonly service: Service | undefined;
};

export type LogSettings = Pick<CommonSettings, "logLevel" | "logTransports" | "logFilePath" | "logFormat">;
export type LogLevel = CommonSettings["logLevel"];
export type LogTransport = CommonSettings["logTransports"][number];

export type Result<T> = {
  readonly settings: T;
  /** Sentences about variables that look like settings and are none. */
  readonly warnings: readonly string[];
};

/** @throws {SettingsError} with all problems at once */
export function readGatewaySettings(input: SettingsInput): Result<GatewaySettings> {
  const reading = readTable(gatewaySettings, input);
  const values = complete(reading, checkGateway(reading.values, reading.label));
  const settings = { ...values, dhcpPool: resolvePool(values.dhcpPool, values.vxlanNetwork) };
  return { settings, warnings: unknownVariables(input.env) };
}

/** @throws {SettingsError} with all problems at once */
export function readClientSettings(input: SettingsInput): Result<ClientSettings> {
  const reading = readTable(clientSettings, input);
  const settings = complete(reading, checkClient(reading.values, reading.label));
  return { settings, warnings: unknownVariables(input.env) };
}

/** @throws {SettingsError} with all problems at once */
export function readDoctorSettings(input: SettingsInput): DoctorSettings {
  const reading = readTable(doctorSettings, input);
  const { service, ...others } = reading.values;
  const values = complete(reading, [
    ...checkGateway(others, reading.label),
    ...(service === undefined ? [] : checkClient({ ...others, service }, reading.label)),
  ]);
  return { ...values, dhcpPool: resolvePool(values.dhcpPool, values.vxlanNetwork) };
}

/**
 * The one setting that commands about a running `pgw` need.
 *
 * @throws {SettingsError} when it is not a port
 */
export function readHttpPort(input: SettingsInput): number {
  return complete(readTable({ httpPort: commonTable.httpPort }, input), []).httpPort;
}

function complete<T extends Table>(reading: Reading<T>, furtherProblems: readonly string[]): Values<T> {
  const problems = [...reading.problems, ...furtherProblems];
  if (problems.length > 0) throw new SettingsError(problems);
  // without problems nothing is missing but what may be
  return reading.values as Values<T>;
}
