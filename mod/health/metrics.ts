/**
 * Metrics in the text format of Prometheus, version 0.0.4.
 *
 * What is counted lives where it happens and is only shown here, on demand. That is why no library does this: those
 * there are want to be the place where it is counted, from the start on. (prom-client, compiled, loaded with the first
 * question: 8 ms and 1.0 MB, a twelfth of all that an idle client has.)
 */

import type { HistogramCounts } from "./histogram.ts";

export type Metric = {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** Names of labels. */
  readonly labels: readonly string[];
};

/** Values of the metric's labels, in its order, and what is so. */
export type Sample = readonly [labels: readonly string[], value: number | HistogramCounts];

/** A metric and its samples; without any, there is nothing to tell at present. */
export type Family = readonly [metric: Metric, samples: readonly Sample[]];

export function counter(name: `${string}_total`, help: string, ...labels: string[]): Metric {
  return { name, type: "counter", help, labels };
}

export function gauge(name: string, help: string, ...labels: string[]): Metric {
  return { name, type: "gauge", help, labels };
}

export function histogram(name: `${string}_seconds`, help: string, ...labels: string[]): Metric {
  return { name, type: "histogram", help, labels };
}

/** The body of the answer to a scrape. */
export function renderMetrics(families: readonly Family[]): string {
  return families.filter(([, samples]) => samples.length > 0).map(([metric, samples]) =>
    [
      `# HELP ${metric.name} ${metric.help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`,
      `# TYPE ${metric.name} ${metric.type}`,
      ...samples.flatMap((sample) => renderSample(metric, sample)),
      "",
    ].join("\n")
  ).join("");
}

function renderSample({ name, labels: names }: Metric, [values, value]: Sample): string[] {
  const labels = names.map((label, index) => `${label}="${escaped(values[index] ?? "")}"`);
  if (typeof value === "number") return [`${name}${braced(labels)} ${number(value)}`];
  let below = 0;
  const buckets = value.counts.map((count, index) => {
    below += count;
    return `${name}_bucket${braced([...labels, `le="${number(value.bounds[index] ?? Infinity)}"`])} ${below}`;
  });
  return [...buckets, `${name}_sum${braced(labels)} ${number(value.sum)}`, `${name}_count${braced(labels)} ${below}`];
}

function braced(labels: readonly string[]): string {
  return labels.length === 0 ? "" : `{${labels.join(",")}}`;
}

function number(value: number): string {
  return value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value);
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** A one for the state that holds, a zero for each that does not. */
export function oneHot(states: readonly string[], present: string): Sample[] {
  return states.map((state) => [[state], state === present ? 1 : 0]);
}
