/**
 * The log: one JSON object a line for machines, readable lines for a person at a terminal.
 *
 * Everything is written synchronously: a line that was logged is there even if the process is killed right after it.
 */

import {
  configureSync,
  dispose,
  getLogger,
  type Logger,
  type LogLevel,
  type LogRecord,
  type Sink,
} from "@logtape/logtape";
import type { LogSettings, LogTransport } from "../config/settings.ts";
import { exitCodes, PgwError } from "../errors.ts";
import { writeAllSync } from "./write_all.ts";

/** The file of PGW_LOG_FILE_PATH cannot be written. */
export class LogFileError extends PgwError {
  override readonly exitCode = exitCodes.usage;
}

/** Numbers of the levels in JSON. 10, 20 and 30 are those of the first version of this program; warn stands between. */
const levelNumbers: Readonly<Record<LogLevel, number>> = {
  trace: 5,
  debug: 10,
  info: 20,
  warning: 25,
  error: 30,
  fatal: 40,
};

let transports: readonly LogTransport[] = [];
let reopenFile: () => void = () => {};

/** The logger of a part of the program: `logger("dhcp").info("lease {address} given", { address, mac })`. */
export function logger(...category: string[]): Logger {
  return getLogger(["pgw", ...category]);
}

/**
 * Makes loggers write to where `settings` say. Until then they are silent.
 *
 * @throws {LogFileError} when the file cannot be opened
 */
export async function setUpLogging(settings: LogSettings): Promise<void> {
  const sinks: Record<string, Sink> = {};
  if (settings.logTransports.includes("console")) sinks.console = await consoleSink(settings);
  if (settings.logTransports.includes("file")) sinks.file = fileSink(settings.logFilePath!);
  const names = Object.keys(sinks);
  transports = settings.logTransports;
  configureSync({
    reset: true,
    sinks,
    loggers: [
      { category: "pgw", sinks: names, lowestLevel: settings.logLevel === "warn" ? "warning" : settings.logLevel },
      // what LogTape says about itself: a sink that failed
      { category: ["logtape", "meta"], sinks: names, lowestLevel: "error" },
    ],
  });
}

/** Where the log goes; nowhere before {@link setUpLogging}. */
export function logTransports(): readonly LogTransport[] {
  return transports;
}

/** Closes what {@link setUpLogging} opened. */
export async function closeLogging(): Promise<void> {
  transports = [];
  await dispose();
}

/** Goes on in a new file of the same name, where the old one was renamed or removed (SIGHUP). */
export function reopenLogAtSignal(): void {
  try {
    reopenFile();
    logger().info("SIGHUP: all is looked at anew");
  } catch (error) {
    logger().error("SIGHUP: the old log file is still written: {error}", { error });
  }
}

/** `{"timestamp":1700000000000,"level":20,"message":"...","component":"dhcp",...properties}` and a line end. */
export function formatJson(record: LogRecord): string {
  const component = record.category.slice(1).join(".");
  const line: Record<string, unknown> = {
    timestamp: record.timestamp,
    level: levelNumbers[record.level],
    message: record.message.map((part) => typeof part === "string" ? part : showValue(part)).join(""),
    ...(component === "" ? {} : { component }),
  };
  for (const [name, value] of Object.entries(record.properties)) {
    if (!(name in line)) line[name] = value;
  }
  return `${JSON.stringify(line, replaceValue)}\n`;
}

async function consoleSink(settings: LogSettings): Promise<Sink> {
  const pretty = settings.logFormat === "pretty" || (settings.logFormat === "auto" && Deno.stderr.isTerminal());
  return lineSink(Deno.stderr, pretty ? await prettyFormatter() : formatJson);
}

/** Loaded only for a person: a Pod's start need not wait for it. */
async function prettyFormatter(): Promise<(record: LogRecord) => string> {
  const { getPrettyFormatter } = await import("@logtape/pretty");
  return getPrettyFormatter({
    timestamp: "time",
    categoryWidth: 16,
    properties: true,
    icons: false,
    wordWrap: false,
    colors: Deno.stderr.isTerminal() && !Deno.env.get("NO_COLOR"),
  });
}

/**
 * Appends lines to the file. Not by `@logtape/file`: that waits for the disk after each line (fsync), 0.25 ms instead of
 * 0.004 on an ordinary one, in which the gateway answers nobody.
 */
function fileSink(path: string): Sink & Disposable {
  let file = openLog(path);
  reopenFile = () => {
    const successor = openLog(path);
    file.close();
    file = successor;
  };
  const sink = lineSink({ writeSync: (bytes) => file.writeSync(bytes) }, formatJson);
  return Object.assign(sink, {
    [Symbol.dispose]() {
      reopenFile = () => {};
      file.close();
    },
  });
}

function openLog(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { append: true, create: true });
  } catch (cause) {
    throw new LogFileError(
      `PGW_LOG_FILE_PATH: '${path}' cannot be opened for appending: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}

function lineSink(file: { writeSync(bytes: Uint8Array): number }, format: (record: LogRecord) => string): Sink {
  const encoder = new TextEncoder();
  return (record) => writeAllSync(file, encoder.encode(format(record)));
}

function showValue(value: unknown): string {
  const readable = replaceValue("", value);
  return typeof readable === "string" ? readable : JSON.stringify(readable, replaceValue) ?? "undefined";
}

/** What JSON has no form for, or one that nobody can read. */
function replaceValue(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (value instanceof Error) {
    return { name: value.name, message: value.message, ...(value.cause === undefined ? {} : { cause: value.cause }) };
  }
  return value;
}
