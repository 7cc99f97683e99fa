import assert from "node:assert/strict";
import fc from "fast-check";
import { IndexLists } from "../../../mod/dhcp/index_lists.ts";

Deno.test("index lists: like arrays, whatever is appended and removed", () => {
  const operation = fc.record({ index: fc.nat(7), list: fc.option(fc.nat(2)) });
  fc.assert(fc.property(fc.array(operation, { maxLength: 100 }), (operations) => {
    const lists = new IndexLists(8, 3);
    const model: number[][] = [[], [], []];
    for (const { index, list } of operations) {
      for (const [number, entries] of model.entries()) model[number] = entries.filter((entry) => entry !== index);
      if (list === null) lists.remove(index);
      else {
        lists.append(list, index);
        model[list]!.push(index);
      }
      for (const [number, entries] of model.entries()) {
        assert.equal(lists.first(number), entries[0]);
        assert.equal(lists.length(number), entries.length);
        assert.deepEqual(lists.take(number, 2), entries.slice(0, 2));
        for (const entry of entries) assert.equal(lists.listOf(entry), number);
      }
      assert.equal(lists.listOf(index), list ?? undefined);
    }
  }));
});
