/** Markdown that is made from tables of the code, between two comments that mark its place. */

/** Columns padded as `deno fmt` would pad them. The first row is the head. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const all = rows.map((cells) => cells.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = all[0]!.map((_, column) => Math.max(...all.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const [head, ...body] = all.map(line);
  return [head, line(widths.map((width) => "-".repeat(width))), ...body].join("\n");
}

/**
 * `text` with `made` between the two comments.
 *
 * @throws {Error} when they are not there
 */
export function between(text: string, begin: string, end: string, made: string): string {
  const [first, last] = [text.indexOf(begin), text.indexOf(end)];
  if (first < 0 || last < first) throw new Error(`there is no place for it: ${begin} ... ${end}`);
  return `${text.slice(0, first + begin.length)}\n\n${made}\n\n${text.slice(last)}`;
}
