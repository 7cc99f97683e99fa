/** From the user's texts to the values of a table, with every problem collected on the way. */

import { PgwError } from "../errors.ts";
import { flagOf, type Setting, type Table, type Values } from "./setting.ts";
import { problemsOf } from "./value_error.ts";

/** Where settings come from. */
export type SettingsInput = {
  /** The environment. Variables that are no settings may be in it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Values from the command line by the flag's name without hyphens in front; they win over variables. */
  readonly flags: Readonly<Record<string, string | undefined>>;
};

export type Reading<T extends Table> = {
  /** What could be read; a setting with a problem is not in it. */
  readonly values: Partial<Values<T>>;
  readonly problems: readonly string[];
  /** The name by which the user knows a setting: the flag that was given, else the variable. */
  readonly label: (name: keyof T) => string;
};

/** Reads all settings of `table`. */
export function readTable<T extends Table>(table: T, input: SettingsInput): Reading<T> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, setting] of Object.entries(table)) {
    const { label, text } = given(setting, input);
    try {
      if (text !== undefined) values[name] = setting.parse(text);
      else if ("required" in setting) problems.push(`${label} is missing: ${setting.required}`);
    } catch (error) {
      if (!(error instanceof PgwError)) throw error;
      problems.push(...problemsOf(error).map((problem) => `${label}: ${problem}`));
    }
  }
  return {
    values: values as Partial<Values<T>>,
    problems,
    label: (name) => given(table[name]!, input).label,
  };
}

/** Whether this is how Kubernetes sets a variable such as PGW_HTTP_PORT when there is a Service named pgw-http. */
export function isServiceLink(variable: string, text: string): boolean {
  return /_PORT(_|$)/.test(variable) && /^(tcp|udp|sctp):\/\//.test(text);
}

/** What the user gave for `setting`, or its default. An empty text is as good as none. */
function given(setting: Setting<unknown>, input: SettingsInput): { label: string; text: string | undefined } {
  const flag = flagOf(setting);
  const fromFlag = input.flags[flag]?.trim();
  if (fromFlag) return { label: setting.argument ? setting.metavar : `--${flag}`, text: fromFlag };
  const fromEnv = input.env[setting.variable]?.trim();
  const label = setting.argument ? `${setting.metavar} (${setting.variable})` : setting.variable;
  if (fromEnv && !isServiceLink(setting.variable, fromEnv)) return { label, text: fromEnv };
  return { label, text: "default" in setting ? setting.default : undefined };
}
