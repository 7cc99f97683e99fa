/** Reads the tables of `docs/security.md`. */

import assert from "node:assert/strict";

/** Cells by the name of the traffic, then by the name of the column. */
export type PolicyTable = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** The table behind `<!-- policy: NAME -->`. Its first column is the traffic, its last one the reason. */
export function policyTable(page: string, name: string): PolicyTable {
  const [, after] = page.split(`<!-- policy: ${name} -->`);
  assert(after !== undefined, `docs/security.md has no policy '${name}'`);
  const rows = after.trim().split("\n\n")[0]!.split("\n").map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
  const [head, , ...body] = rows;
  return new Map(body.map((cells) => {
    assert.equal(cells.length, head!.length, `a row of '${name}' has too many or too few cells: ${cells.join("|")}`);
    assert.notEqual(cells.at(-1), "", `'${cells[0]}' gives no reason`);
    return [cells[0]!, new Map(head!.slice(1, -1).map((column, index) => [column, cells[index + 1]!]))];
  }));
}
