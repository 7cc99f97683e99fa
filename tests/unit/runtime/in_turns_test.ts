import assert from "node:assert/strict";
import { inTurns } from "../../../mod/runtime/in_turns.ts";

Deno.test("in turns: all items in pieces, and between them what waits gets its turn", async () => {
  const order: unknown[] = [];
  const isDone = await inTurns([1, 2, 3, 4, 5], 2, (piece) => {
    order.push(piece);
    setTimeout(() => order.push("another"), 0);
    return true;
  });
  assert.equal(isDone, true);
  assert.deepEqual(order, [[1, 2], "another", [3, 4], "another", [5]]);
  await new Promise((resolve) => setTimeout(resolve, 0));
});

Deno.test("in turns: what changed in between is acted on as it is then", async () => {
  const values = ["a", "b", "c"];
  function* current() {
    for (let index = 0; index < values.length; index++) yield values[index]!;
  }
  const acted: string[] = [];
  const work = inTurns(current(), 1, ([value]) => acted.push(value!) > 0);
  values[2] = "changed";
  await work;
  assert.deepEqual(acted, ["a", "b", "changed"]);
});

Deno.test("in turns: it ends early where it is told to", async () => {
  const acted: number[] = [];
  const isDone = await inTurns([1, 2, 3], 1, ([value]) => {
    acted.push(value!);
    return value !== 2;
  });
  assert.equal(isDone, false);
  assert.deepEqual(acted, [1, 2]);
});
