import assert from "node:assert/strict";
import { Histogram } from "../../../mod/health/histogram.ts";
import { counter, gauge, histogram, oneHot, renderMetrics } from "../../../mod/health/metrics.ts";

Deno.test("the text format of Prometheus: help, type, labels, values", () => {
  const text = renderMetrics([
    [gauge("pgw_state", "1 for the state that holds.", "state"), oneHot(["closed", "open"], "open")],
    [counter("pgw_things_total", "A \\ and\na line."), [[[], 3]]],
    [gauge("pgw_nothing", "Without a sample it is not there."), []],
  ]);
  assert.equal(
    text,
    `# HELP pgw_state 1 for the state that holds.
# TYPE pgw_state gauge
pgw_state{state="closed"} 0
pgw_state{state="open"} 1
# HELP pgw_things_total A \\\\ and\\na line.
# TYPE pgw_things_total counter
pgw_things_total 3
`,
  );
});

Deno.test("a label's value cannot end its quotes: names come from strangers", () => {
  const text = renderMetrics([[gauge("pgw_x", "x", "name"), [[['a"} 1\nb\\'], 1]]]]);
  assert.equal(text.split("\n").at(2), String.raw`pgw_x{name="a\"} 1\nb\\"} 1`);
});

Deno.test("buckets of a histogram are cumulative, a bound belongs to its bucket, the last is for all", () => {
  const times = new Histogram([0.1, 1]);
  for (const seconds of [0.05, 0.1, 0.5, 20]) times.observe(seconds);
  assert.equal(
    renderMetrics([[histogram("pgw_wait_seconds", "Waits.", "who"), [[["me"], times]]]]),
    `# HELP pgw_wait_seconds Waits.
# TYPE pgw_wait_seconds histogram
pgw_wait_seconds_bucket{who="me",le="0.1"} 2
pgw_wait_seconds_bucket{who="me",le="1"} 3
pgw_wait_seconds_bucket{who="me",le="+Inf"} 4
pgw_wait_seconds_sum{who="me"} 20.65
pgw_wait_seconds_count{who="me"} 4
`,
  );
});
