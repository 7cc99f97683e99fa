import { isIpv4 } from "../addr/ipv4.ts";
import { isIpv6 } from "../addr/ipv6.ts";
import { parseHostName } from "../config/host_name.ts";
import { type DoctorSettings, SettingsError } from "../config/settings.ts";
import { type Finding, isWell } from "../doctor/finding.ts";
import { exitCodes } from "../errors.ts";
import type { Io } from "./io.ts";
import { printable } from "./render.ts";

export type DoctorFlags = {
  readonly json: boolean;
  /** An address that the leak probes are for. */
  readonly target?: string | undefined;
  /** A name outside the cluster to ask for. */
  readonly name?: string | undefined;
};

const marks = { ok: "ok", problem: "PROBLEM", skipped: "skipped" } as const;

/**
 * `pgw doctor`: examines this Pod, a line for each finding as it comes.
 *
 * @returns 0 when no problem was found, else 1
 * @throws {SettingsError} `--target` is no address, or `--name` no name
 */
export async function doctor(flags: DoctorFlags, settings: DoctorSettings, io: Io): Promise<number> {
  const options = {
    targets: targets(flags.target),
    ...(flags.name === undefined ? {} : { name: checkedName(flags.name) }),
  };
  const { examine } = await import("../runtime/doctor/doctor.ts");
  const findings: Finding[] = [];
  for await (const finding of examine(settings, options)) {
    findings.push(finding);
    if (!flags.json) io.print(show(finding));
  }
  const well = isWell(findings);
  if (flags.json) io.print(JSON.stringify({ well, findings }));
  else io.print(summary(findings));
  return well ? exitCodes.ok : exitCodes.failure;
}

function show({ check, outcome, detail, remedy }: Finding): string {
  const line = `${marks[outcome].padEnd(8)} ${check}: ${printable(detail)}`;
  return remedy === undefined ? line : `${line}\n${" ".repeat(9)}-> ${printable(remedy)}`;
}

function summary(findings: readonly Finding[]): string {
  const count = (outcome: Finding["outcome"]) => findings.filter((finding) => finding.outcome === outcome).length;
  return `${count("ok")} ok, ${count("problem")} problems, ${count("skipped")} skipped`;
}

function targets(text: string | undefined): { 4?: string; 6?: string } {
  if (text === undefined) return {};
  if (isIpv4(text)) return { 4: text };
  if (isIpv6(text)) return { 6: text };
  throw new SettingsError([`--target: '${text}' is not an address: write one such as 203.0.113.9 or 2001:db8::9`]);
}

function checkedName(text: string): string {
  try {
    return parseHostName(text);
  } catch (cause) {
    throw new SettingsError([`--name: ${cause instanceof Error ? cause.message : cause}`]);
  }
}
