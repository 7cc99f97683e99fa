/** The tables of settings in README.md. */

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
  const [first, last] = [readme.indexOf(begin), readme.indexOf(end)];
  if (first < 0 || last < first) throw new Error(`README.md has no place for the settings: ${begin} ... ${end}`);
  return `${readme.slice(0, first + begin.length)}\n\n${settingsTables()}\n\n${readme.slice(last)}`;
}

function settingsTables(): string {
  return [
    ["Both roles", commonTable],
    ["Gateway", gatewayTable],
    ["Client", clientTable],
  ].map(([heading, table]) => `### ${heading}\n\n${markdownTable(Object.values(table as Table).map(row))}`).join(
    "\n\n",
  );
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

/** Columns padded as `deno fmt` would pad them. */
function markdownTable(rows: readonly string[][]): string {
  const all = [
    ["Variable, flag", "Meaning", "Default"],
    ...rows.map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|"))),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const [head, ...body] = all.map(line);
  return [head, line(widths.map((width) => "-".repeat(width))), ...body].join("\n");
}
