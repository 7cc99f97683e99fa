import assert from "node:assert/strict";
import { Watchers } from "../../../mod/health/watchers.ts";

const permissions = "none";
const [one, other] = [0xac1d0014, 0xac1d0015];

Deno.test("watchers: who was silent for three of its intervals, and 15 s at least, is gone", { permissions }, () => {
  const watchers = new Watchers();
  watchers.hear(one, 4_001, 0);
  watchers.hear(other, 4_002, 0);
  watchers.hear(other, 4_003, 10_000);
  assert.deepEqual([...watchers], [[one, 4_001], [other, 4_003]]);
  assert.deepEqual(watchers.expire(15_000), []);
  assert.deepEqual(watchers.expire(15_001), [one]);
  assert.deepEqual(watchers.expire(40_000), []);
  assert.deepEqual(watchers.expire(40_001), [other]);
  assert.equal(watchers.size, 0);
});

Deno.test("watchers: told to move, who is there goes on asking, and who is not is given up", { permissions }, () => {
  const watchers = new Watchers();
  watchers.hear(one, 4_001, 0);
  watchers.hear(other, 4_002, 9_000);
  watchers.tellToMove(10_000);
  for (let now = 10_000; now < 13_000; now += 200) {
    watchers.tellToMove(now);
    if (now % 1_000 === 0) watchers.hear(one, 4_001, now);
    assert.deepEqual(watchers.expire(now), []);
  }
  assert.deepEqual(watchers.expire(13_001), [other]);
  assert.deepEqual(watchers.expire(15_000), [], "it was heard of 3 s before");
  watchers.forget(one);
  assert.equal(watchers.size, 0);
});

Deno.test("watchers: who was gone before they are told is not waited for again", { permissions }, () => {
  const watchers = new Watchers();
  watchers.hear(one, 4_001, 0);
  watchers.tellToMove(20_000);
  assert.equal(watchers.size, 0);
});

Deno.test("watchers: there is a bound", { permissions }, () => {
  const watchers = new Watchers();
  for (let address = 0; address < 70_000; address++) watchers.hear(address, 4_001, 0);
  assert.equal(watchers.size, 65_536);
});
