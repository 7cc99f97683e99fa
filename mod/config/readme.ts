/** The tables of settings in README.md. */

import { between, markdownTable } from "./markdown.ts";
import { defaultOf, flagOf, type Setting, type Table } from "./setting.ts";
import { clientTable, commonTable, gatewayTable } from "./table.ts";

const begin = "<!-- settings: begin (made by `deno task readme` from mod/config/table.ts) -->";
const end = "<!-- settings: end -->";

/**
 * `readme` with its tables of settings as the program has them now.
 *
 * @throws {Error} when the two comments that mark their place are not there
 */
export function withSettings(readme: string): string {
  return between(readme, begin, end, settingsTables());
}

function settingsTables(): string {
  return [
    ["Both roles", commonTable],
    ["Gateway", gatewayTable],
    ["Client", clientTable],
  ].map(([heading, table]) => `### ${heading}\n\n${settingsTable(table as Table)}`).join("\n\n");
}

function settingsTable(table: Table): string {
  return markdownTable([["Variable, flag", "Meaning", "Default"], ...Object.values(table).map(row)]);
}

function row(setting: Setting<unknown>): string[] {
  const given = setting.argument ? setting.metavar : `--${flagOf(setting)}`;
  const fallback = defaultOf(setting);
  return [
    `\`${setting.variable}\`<br>\`${given}\``,
    setting.help,
    "default" in setting ? `\`${fallback}\`` : fallback,
  ];
}
