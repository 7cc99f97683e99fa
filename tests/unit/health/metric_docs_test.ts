import assert from "node:assert/strict";
import { withMetrics } from "../../../mod/health/metric_docs.ts";
import { clientMetrics, commonMetrics, gatewayMetrics } from "../../../mod/health/metric_table.ts";

const page = Deno.readTextFileSync("docs/operations.md");

Deno.test("docs/operations.md has the metrics as the program has them (deno task readme)", () => {
  assert.equal(page, withMetrics(page));
});

Deno.test("each metric that its alerts and queries name exists", () => {
  const metrics = [commonMetrics, clientMetrics, gatewayMetrics].flatMap((table) => Object.values(table));
  const exist = metrics.flatMap(({ name, type }) =>
    type === "histogram" ? ["_bucket", "_sum", "_count"].map((suffix) => name + suffix) : [name]
  );
  const named = page.slice(page.indexOf("## Alerts")).match(/\bpgw_[a-z_]+/g) ?? [];
  assert.ok(named.length > 6);
  assert.deepEqual(named.filter((name) => !exist.includes(name)), []);
});

Deno.test("no two metrics have one name", () => {
  const names = [commonMetrics, clientMetrics, gatewayMetrics].flatMap((table) => Object.values(table)).map((m) =>
    m.name
  );
  assert.equal(new Set(names).size, names.length);
});
