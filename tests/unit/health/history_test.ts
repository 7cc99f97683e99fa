import assert from "node:assert/strict";
import { ClientHistory } from "../../../mod/health/client_history.ts";
import { History } from "../../../mod/health/history.ts";

Deno.test("transitions are counted by phase and cause: onwards is progress, back is another try", () => {
  const history = new History(["closed", "leasing", "open"]);
  history.enter("closing", "closed", 0);
  history.enter("observing", "closed", 1);
  history.enter("leasing", "leasing", 2);
  history.enter("pausing", "closed", 3);
  history.enter("leasing", "leasing", 4);
  history.enter("open", "open", 5);
  history.enter("resolving", "closed", 6, { word: "gateway_silent", sentence: "closed: it answers no longer" });
  assert.deepEqual(history.counts, [
    { state: "closed", cause: "start", count: 1 },
    { state: "leasing", cause: "progress", count: 2 },
    { state: "closed", cause: "retry", count: 1 },
    { state: "open", cause: "progress", count: 1 },
    { state: "closed", cause: "gateway_silent", count: 1 },
  ]);
  assert.equal(history.since, 6);
  assert.deepEqual(history.transitions.at(-1), { at: 6, to: "resolving", cause: "closed: it answers no longer" });
});

Deno.test("only the latest transitions are kept", () => {
  const history = new History(["a", "b"]);
  for (let at = 0; at < 1_000; at++) history.enter(`state ${at}`, at % 2 === 0 ? "a" : "b", at);
  assert.deepEqual([history.transitions.length, history.transitions[0]!.at], [20, 980]);
  assert.equal(history.counts.reduce((sum, { count }) => sum + count, 0), 1_000);
});

Deno.test("an outage begins with the last sign of life, a reconnection when the Pod is closed", () => {
  const history = new ClientHistory();
  history.enter("closing", "closed", 0);
  history.enter("open", "open", 1_000);
  assert.equal(history.outages.sum, 0, "the start is no outage");
  history.probed("a", 10_000);
  history.heard("a", 10_004);
  history.probed("b", 20_000);
  history.enter("resolving", "discovering", 20_700);
  history.heard("b", 20_800); // too late, and not of an open Pod
  history.enter("open", "open", 21_004);
  assert.equal(history.outages.sum, 11);
  assert.ok(Math.abs(history.reconnects.sum - 0.304) < 1e-9);
  assert.deepEqual([history.probes, history.probeAnswers], [2, 2]);
});

Deno.test("a probe's time is counted once, and probes that nobody answers are forgotten", () => {
  const history = new ClientHistory();
  for (let i = 0; i < 1_000; i++) history.probed(`probe ${i}`, i);
  history.heard("probe 0", 5);
  history.heard("probe 999", 1_003);
  history.heard("probe 999", 1_004);
  assert.deepEqual([history.probes, history.probeAnswers, history.probeTimes.sum], [1_000, 1, 0.004]);
});
