import assert from "node:assert/strict";
import type { LogRecord } from "@logtape/logtape";
import type { LogSettings } from "../../../mod/config/settings.ts";
import {
  closeLogging,
  formatJson,
  LogFileError,
  logger,
  reopenLogAtSignal,
  setUpLogging,
} from "../../../mod/runtime/log.ts";

const toFile: Omit<LogSettings, "logFilePath"> = { logLevel: "info", logTransports: ["file"], logFormat: "auto" };

async function logged(settings: Omit<LogSettings, "logFilePath">, log: () => void): Promise<unknown[]> {
  const path = await Deno.makeTempFile();
  try {
    await setUpLogging({ ...settings, logFilePath: path });
    log();
    // read before anything is closed: what was logged is there at once
    const text = await Deno.readTextFile(path);
    return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  } finally {
    await closeLogging();
    await Deno.remove(path);
  }
}

Deno.test("a line of JSON for each message: timestamp, level, message, component, fields", async () => {
  const before = Date.now();
  const [line, ...more] = await logged(toFile, () => {
    logger("dhcp", "server").info("lease {address} given for {seconds} s", { address: "172.29.0.20", seconds: 43200 });
  }) as [{ timestamp: number }];
  assert.deepEqual(more, []);
  const { timestamp, ...rest } = line;
  assert(timestamp >= before && timestamp <= Date.now());
  assert.deepEqual(rest, {
    level: 20,
    message: "lease 172.29.0.20 given for 43200 s",
    component: "dhcp.server",
    address: "172.29.0.20",
    seconds: 43200,
  });
});

Deno.test("levels keep the numbers and the order of the first version; lower ones are not logged", async () => {
  const all = () => {
    for (const level of ["debug", "info", "warn", "error"] as const) logger()[level](level);
  };
  const levels = async (logLevel: LogSettings["logLevel"]) =>
    (await logged({ ...toFile, logLevel }, all) as { level: number }[]).map(({ level }) => level);
  assert.deepEqual(await levels("debug"), [10, 20, 25, 30]);
  assert.deepEqual(await levels("info"), [20, 25, 30]);
  assert.deepEqual(await levels("warn"), [25, 30]);
  assert.deepEqual(await levels("error"), [30]);
});

Deno.test("lines are appended", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "before\n");
  await setUpLogging({ ...toFile, logFilePath: path });
  logger().info("after");
  await closeLogging();
  assert.match(await Deno.readTextFile(path), /^before\n\{.*\}\n$/);
  await Deno.remove(path);
});

Deno.test("what JSON has no form for is made readable, and fields cannot pass for the line's own", () => {
  const record: LogRecord = {
    category: ["pgw"],
    level: "error",
    timestamp: 1,
    message: ["failed: ", new TypeError("no"), " ", { a: 1n }, ""],
    rawMessage: "",
    properties: {
      timestamp: 2,
      level: "x",
      mac: Uint8Array.of(2, 0x78),
      address: 1n << 64n,
      error: new Error("outer", { cause: new RangeError("inner") }),
    },
  };
  assert.deepEqual(JSON.parse(formatJson(record)), {
    timestamp: 1,
    level: 30,
    message: `failed: {"name":"TypeError","message":"no"} {"a":"1"}`,
    mac: "0278",
    address: "18446744073709551616",
    error: { name: "Error", message: "outer", cause: { name: "RangeError", message: "inner" } },
  });
});

Deno.test("a file that cannot be opened", async () => {
  await assert.rejects(setUpLogging({ ...toFile, logFilePath: "/proc/none/pgw.log" }), (error) => {
    assert(error instanceof LogFileError);
    assert.equal(error.exitCode, 2);
    assert.match(error.message, /^PGW_LOG_FILE_PATH: '\/proc\/none\/pgw.log' cannot be opened for appending: /);
    return true;
  });
});

Deno.test("a logger is silent before it is set up", () => logger("early").error("not shown"));

Deno.test("a log file that was renamed is left at SIGHUP, and one that cannot be made is not", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/log`;
  const messages = (name: string) =>
    Deno.readTextFileSync(`${directory}/${name}`).split("\n").slice(0, -1).map((line) => JSON.parse(line).message);
  try {
    await setUpLogging({ ...toFile, logFilePath: path });
    logger().info("one");
    Deno.renameSync(path, `${path}.1`);
    logger().info("two");
    reopenLogAtSignal();
    logger().info("three");
    assert.deepEqual(messages("log.1"), ["one", "two"]);
    assert.deepEqual(messages("log"), ["SIGHUP: all is looked at anew", "three"]);
    Deno.renameSync(path, `${path}.2`);
    Deno.mkdirSync(path);
    reopenLogAtSignal();
    logger().info("four");
    assert.match(messages("log.2")[2], /^SIGHUP: the old log file is still written/);
    assert.equal(messages("log.2").at(-1), "four");
  } finally {
    await closeLogging();
    await Deno.remove(directory, { recursive: true });
  }
});
