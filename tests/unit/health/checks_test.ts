import assert from "node:assert/strict";
import { afterRound, nextRoundMs, noMisses, type Round, silentKinds } from "../../../mod/health/checks.ts";

/** The silent kinds after each of the rounds. */
const silences = (...rounds: Round[]) => {
  let misses = noMisses;
  return rounds.map((round) => silentKinds(misses = afterRound(misses, round)).join(" "));
};

Deno.test("three misses in a row make a kind silent, one answer ends that", () => {
  const [dead, alive] = [{ dns: false }, { dns: true }];
  assert.deepEqual(silences(dead, dead, dead, dead, alive, dead, dead), ["", "", "dns", "dns", "", "", ""]);
  assert.deepEqual(silences(dead, dead, alive, dead, dead, alive, dead, dead), ["", "", "", "", "", "", "", ""]);
});

Deno.test("kinds are counted apart", () => {
  const half = { dns: true, targets: false };
  assert.deepEqual(silences(half, half, half), ["", "", "targets"]);
});

Deno.test("who is not asked does not count as silent, and is no longer silent", () => {
  const dead = { dns: false, targets: false };
  assert.deepEqual(silences({}, {}, {}, {}), ["", "", "", ""]);
  assert.deepEqual(silences(dead, dead, dead, { dns: false }), ["", "", "dns targets", "dns"]);
});

Deno.test("after a miss the next round comes soon, also while a kind is silent", () => {
  const one = afterRound(noMisses, { dns: true, targets: false });
  assert.equal(nextRoundMs(noMisses, 5_000), 5_000);
  assert.equal(nextRoundMs(one, 5_000), 500);
  assert.equal(nextRoundMs(one, 300), 300);
  const silent = [1, 2, 3, 4].reduce((misses) => afterRound(misses, { dns: false }), noMisses);
  assert.equal(nextRoundMs(silent, 5_000), 500);
});
