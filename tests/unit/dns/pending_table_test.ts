import assert from "node:assert/strict";
import { newPending, type Pending } from "../../../mod/dns/pending.ts";
import { PendingTable } from "../../../mod/dns/pending_table.ts";
import { UpstreamGroup } from "../../../mod/dns/upstream.ts";
import { headerLength } from "../../../mod/wire/dns.ts";

const route = { name: "outside", isOutside: true, group: new UpstreamGroup([]), absence: "", pending: 0 };

/** Asks for the A records of a name of one letter. */
function pendingOf(letter: string, hash: number): Pending<string> {
  const question = new Uint8Array(headerLength + 7);
  question.set([1, letter.charCodeAt(0), 0, 0, 1, 0, 1], headerLength);
  const key = { hash, nameEnd: headerLength + 3, dnssecOk: false, checkingDisabled: false };
  return newPending(key, route, question, undefined, 0);
}

Deno.test("pending table: questions in one place, and with one hash, are told apart and taken out in any order", () => {
  const hashes = [7, 7, 7 + 1024, -1017, 8];
  const orders = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]];
  for (const order of orders) {
    const table = new PendingTable<string>();
    const all = hashes.map((hash, number) => pendingOf("abcde"[number]!, hash));
    all.forEach((pending) => table.add(pending));
    const left = new Set(all);
    for (const number of order) {
      for (const pending of all) {
        assert.equal(table.find(pending.question, pending.key), left.has(pending) ? pending : undefined);
        assert.equal(table.has(pending), left.has(pending));
      }
      assert.deepEqual(new Set(table), left);
      assert.equal(table.size, left.size);
      table.delete(all[number]!);
      left.delete(all[number]!);
    }
    assert.deepEqual([...table], []);
    assert.equal(table.find(pendingOf("a", 7).question, all[0]!.key), undefined);
  }
});

Deno.test("pending table: what is gone through may end, and lead to more", () => {
  const table = new PendingTable<string>();
  for (const letter of "abcdef") table.add(pendingOf(letter, letter.charCodeAt(0) & 1));
  const met: Pending<string>[] = [];
  for (const pending of table) {
    if (met.push(pending) > 50) break;
    table.delete(pending);
    if (met.length <= 3) table.add(pendingOf("xyz"[met.length - 1]!, 0));
  }
  assert.ok(met.length >= 6 && met.length <= 9);
  assert.equal(new Set(met).size, met.length);
  assert.equal(table.size, 9 - met.length);
});
