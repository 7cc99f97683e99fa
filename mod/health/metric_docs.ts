/** The tables of metrics in docs/operations.md. */

import { between, markdownTable } from "../config/markdown.ts";
import { clientMetrics, commonMetrics, gatewayMetrics } from "./metric_table.ts";
import type { Metric } from "./metrics.ts";

const begin = "<!-- metrics: begin (made by `deno task readme` from mod/health/metric_table.ts) -->";
const end = "<!-- metrics: end -->";

/** `page` with its tables of metrics as the program has them now. @throws {Error} when there is no place for them */
export function withMetrics(page: string): string {
  const tables = [
    ["Both roles", commonMetrics],
    ["Client", clientMetrics],
    ["Gateway", gatewayMetrics],
  ] as const;
  return between(
    page,
    begin,
    end,
    tables.map(([heading, table]) => `### ${heading}\n\n${metricsTable(Object.values(table))}`).join("\n\n"),
  );
}

function metricsTable(metrics: readonly Metric[]): string {
  const rows = metrics.map(({ name, type, help, labels }) => {
    const braced = labels.length === 0 ? "" : `{${labels.join(",")}}`;
    return [`\`${name}${braced}\``, type, help];
  });
  return markdownTable([["Metric", "Type", "Meaning"], ...rows]);
}
