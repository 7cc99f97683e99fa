/**
 * JSON for people. It knows nothing of what it shows but the manner of naming: `...At` and `since` are points in time,
 * `...Ms` and `...Seconds` durations, `...Bytes` sizes.
 */

import { isObject, type JsonObject } from "./get_json.ts";

/** A line for each value; objects and lists of objects become sections of their own. */
export function renderObject(object: JsonObject, now: number): string {
  return section(object, now).join("\n");
}

/** Rows under the names of their values, in columns. */
export function renderTable(rows: readonly JsonObject[], now: number): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = [names.map(title), ...rows.map((row) => names.map((name) => renderValue(name, row[name], now)))];
  const widths = names.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()).join("\n");
}

/** Without control characters: names come from strangers, and a terminal obeys what it is shown. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "?");
}

/** `43 s`, `2 min 5 s`, `11 h 59 min`, `3 d 4 h`; `250 ms` below a second, `0.3 ms` below ten. */
export function renderDuration(ms: number): string {
  if (ms < 10 && !Number.isInteger(ms)) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.floor(ms / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

function section(object: JsonObject, now: number): string[] {
  const entries = Object.entries(object);
  const width = Math.max(0, ...entries.filter(([, value]) => !isSection(value)).map(([name]) => title(name).length));
  return entries.flatMap(([name, value]) => {
    if (Array.isArray(value) && isSection(value)) {
      return [`${title(name)}:`, ...indent(renderTable(value, now).split("\n"))];
    }
    if (isObject(value) && isSection(value)) return [`${title(name)}:`, ...indent(section(value, now))];
    return [`${title(name).padEnd(width)}  ${renderValue(name, value, now)}`];
  });
}

function isSection(value: unknown): boolean {
  return (isObject(value) && Object.keys(value).length > 0) ||
    (Array.isArray(value) && value.length > 0 && value.every(isObject));
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

/** `leaseExpiresAt` is `lease expires`: the value says when. */
function title(name: string): string {
  const words = name.replace(/(?<=[a-z0-9])(At|Ms|Seconds|Bytes)$/, "");
  return printable(words.replace(/(?<=[a-z0-9])(?=[A-Z])/g, " ").toLowerCase());
}

function renderValue(name: string, value: unknown, now: number): string {
  if (value === null || value === undefined) return "-";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return renderNumber(name, value, now);
  if (typeof value === "string") return value === "" ? "-" : printable(value);
  if (Array.isArray(value)) {
    return value.length === 0 ? "none" : value.map((item) => renderValue(name, item, now)).join(", ");
  }
  return isObject(value) && Object.keys(value).length === 0 ? "none" : printable(JSON.stringify(value));
}

function renderNumber(name: string, value: number, now: number): string {
  if (name === "at" || name === "since" || /[a-z0-9]At$/.test(name)) {
    return value > now ? `in ${renderDuration(value - now)}` : `${renderDuration(now - value)} ago`;
  }
  if (name.endsWith("Ms")) return renderDuration(value);
  if (name.endsWith("Seconds")) return renderDuration(value * 1000);
  if (/(^b|B)ytes$/.test(name)) return renderBytes(value);
  return String(value);
}

function renderBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
}
