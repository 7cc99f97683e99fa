import assert from "node:assert/strict";
import { main, type Roles } from "../../../mod/cli/main.ts";
import { version } from "../../../mod/runtime/version.ts";
import { MissingCapabilityError, PgwError } from "../../../mod/errors.ts";
import { fakeIo } from "./fake_io.ts";

/** Nothing of the log may reach the console of the tests: only the error report on the fake standard error counts. */
const quiet = { PGW_LOG_TRANSPORTS: "file", PGW_LOG_FILE_PATH: "/dev/null" };

/** Roles that note how they were called, and fail with `error` if there is one. */
function roles(error?: unknown): Roles & { readonly calls: unknown[] } {
  const calls: unknown[] = [];
  const call = (...args: unknown[]) => {
    calls.push(args);
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  };
  return {
    calls,
    runGateway: (mode, settings) => call("gateway", mode, settings.dhcpLeaseSeconds),
    runClient: (mode, settings) => call("client", mode, settings.service.port, settings.pingIntervalMs),
  };
}

Deno.test("a role runs with its settings", async () => {
  const io = fakeIo({ env: { ...quiet, PGW_DHCP_LEASE_TIME: "60" } });
  const called = roles();
  assert.equal(await main(["gateway", "start"], called, io), 0);
  assert.equal(await main(["client", "run", "gw:81", "--client-ping-interval", "0.3"], called, io), 0);
  assert.deepEqual(called.calls, [["gateway", "start", 60], ["client", "run", 81, 300]]);
  assert.deepEqual([io.out, io.err], [[], []]);
});

Deno.test("with a bad setting nothing is run: every problem on a line, exit code 2", async () => {
  const io = fakeIo({ env: { PGW_VXLAN_ID: "x" } });
  const called = roles();
  assert.equal(await main(["client", "run"], called, io), 2);
  assert.deepEqual(called.calls, []);
  assert.match(io.err[0]!, /^pgw: SERVICE \(PGW_CLIENT_SERVICE\) is missing: .*`pgw client run /);
  assert.match(io.err[1]!, /^pgw: PGW_VXLAN_ID: 'x' is not a VXLAN id/);
  assert.equal(io.err.length, 2);
});

Deno.test("a log file that cannot be opened is told like a bad setting", async () => {
  const io = fakeIo({ env: { ...quiet, PGW_LOG_FILE_PATH: "/proc/none/pgw.log" } });
  assert.equal(await main(["gateway", "run"], roles(), io), 2);
  assert.match(io.err.join("\n"), /^pgw: PGW_LOG_FILE_PATH: '\/proc\/none\/pgw.log' cannot be opened for appending: /);
});

Deno.test("an error that a role throws on purpose is its message and its exit code, without a stack", async () => {
  const io = fakeIo({ env: quiet });
  assert.equal(await main(["gateway", "run"], roles(new MissingCapabilityError("NET_ADMIN", undefined)), io), 3);
  assert.deepEqual(io.err, [
    "pgw: NET_ADMIN is missing: add it under securityContext.capabilities.add of this container",
  ]);
});

Deno.test("at log level debug the stack is told too", async () => {
  const io = fakeIo({ env: { ...quiet, PGW_LOG_LEVEL: "debug" } });
  assert.equal(await main(["gateway", "run"], roles(new PgwError("two\nlines {x}")), io), 1);
  assert.deepEqual(io.err.slice(0, 2), ["pgw: two", "pgw: lines {x}"]);
  assert.match(io.err[2]!, /main_test\.ts/);
});

Deno.test("any other error is a bug: message, stack, exit code 1", async () => {
  const io = fakeIo({ env: quiet });
  assert.equal(await main(["gateway", "run"], roles(new TypeError("x is undefined")), io), 1);
  assert.equal(io.err[0], "pgw: unexpected error, please report it: x is undefined");
  assert.match(io.err[1]!, /main_test\.ts/);
});

Deno.test("an unknown command: usage, what was meant, exit code 2", async () => {
  const io = fakeIo();
  assert.equal(await main(["clinet", "run"], roles(), io), 2);
  assert.match(io.err.join("\n"), /Usage: pgw[^]*pgw client run \[SERVICE\][^]*Did you mean `client`\?/);
  assert.deepEqual(io.out, []);
});

Deno.test("an unknown flag: what was meant and where to read on, exit code 2", async () => {
  const io = fakeIo();
  assert.equal(await main(["client", "run", "gw", "--log-lvel", "info"], roles(), io), 2);
  assert.deepEqual(io.err, [
    "Error: Unexpected option or subcommand: `--log-lvel`.",
    "Did you mean --log-level? See: pgw client run --help",
  ]);
});

Deno.test("no arguments, or no mode: exit code 2", async () => {
  assert.equal(await main([], roles(), fakeIo()), 2);
  const io = fakeIo();
  assert.equal(await main(["gateway"], roles(), io), 2);
  assert.match(io.err.at(-1)!, /See: pgw gateway --help/);
});

Deno.test("help lists the settings of a role with variable and default, and no other role's", async () => {
  const io = fakeIo();
  assert.equal(await main(["client", "run", "--help"], roles(), io), 0);
  const text = io.out.join("\n");
  assert.match(text, /--client-ping-interval SECONDS .*\[PGW_CLIENT_PING_INTERVAL=10\]/);
  assert.match(text, /SERVICE .*\[PGW_CLIENT_SERVICE; required\]/);
  assert.match(text, /--vxlan-port PORT/);
  assert.doesNotMatch(text, /--dhcp-pool/);
});

Deno.test("completion offers the words of a setting", async () => {
  const io = fakeIo();
  assert.equal(await main(["completion", "bash", "client", "run", "--log-level", "d"], roles(), io), 0);
  assert.match(io.out.join("\n"), /\bdebug\b/);
  assert.doesNotMatch(io.out.join("\n"), /\binfo\b/);
});

Deno.test("the version", async () => {
  const io = fakeIo();
  assert.equal(await main(["version"], roles(), io), 0);
  assert.match(io.out.join(), new RegExp(`^pgw ${version.replaceAll(".", "\\.")} \\(Deno `));
});
