import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCommandLine } from "../../../mod/cli/grammar/parse.ts";
import type { Invocation } from "../../../mod/cli/invocation.ts";
import { readPlain } from "../../../mod/cli/plain.ts";
import { flagOf } from "../../../mod/config/setting.ts";
import { allSettings } from "../../../mod/config/table.ts";
import { fakeIo } from "./fake_io.ts";

Deno.test("the command lines of containers and their probes are read without the grammar", () => {
  assert.deepEqual(readPlain(["client", "run", "gw.vpn", "--client-ping-interval", "0.3", "--log-level=info"]), {
    command: "client",
    mode: "run",
    flags: { "client-service": "gw.vpn", "client-ping-interval": "0.3", "log-level": "info" },
  });
  assert.deepEqual(readPlain(["gateway", "init"]), { command: "gateway", mode: "init", flags: {} });
  assert.deepEqual(readPlain(["health", "--live"]), { command: "health", check: "live", flags: {} });
  assert.deepEqual(readPlain(["health"]), { command: "health", check: undefined, flags: {} });
});

const forTheGrammar: readonly string[] = [
  "",
  "--help",
  "client",
  "client run --help",
  "client run a b",
  "client run --log-level",
  "client run --log-level --help",
  "client run --log-level x --log-level y",
  "client run --dhcp-pool 20-30",
  "client run --client-service x",
  "gateway run x",
  "gateway strat",
  "health --ready --live",
  "status",
  "version",
];

for (const line of forTheGrammar) {
  Deno.test(`left to the grammar: pgw ${line}`, () =>
    assert.equal(readPlain(line.split(" ").filter(Boolean)), undefined));
}

Deno.test("whatever is read without the grammar, the grammar reads the same way", () => {
  const flag = fc.constantFrom(
    ...allSettings.map((setting) => `--${flagOf(setting)}`),
    "--ready",
    "--live",
    "--nonsense",
  );
  const value = fc.constantFrom("x", "a=b", "10.0.0.0/8 fd00::/8", "", "-", "-1", "run", "gw:80", "--", "help");
  const words = fc.array(
    fc.oneof(
      value.map((word) => [word]),
      flag.map((name) => [name]),
      fc.tuple(flag, value).map(([name, word]) => [name, word]),
      fc.tuple(flag, value).map(([name, word]) => [`${name}=${word}`]),
    ),
    { maxLength: 4 },
  ).map((parts) => parts.flat());
  const line = fc.tuple(
    fc.constantFrom("client", "gateway", "health"),
    fc.constantFrom(["init"], ["start"], ["run"], []),
    words,
  ).map(([command, mode, rest]) => [command, ...mode, ...rest]);

  let plain = 0;
  fc.assert(
    fc.property(line, (args) => {
      const read = readPlain(args);
      if (read === undefined) return;
      plain++;
      assert.deepEqual(given(read), given(parseCommandLine(args, fakeIo()) as Invocation));
    }),
    { numRuns: 2000, seed: 3150 },
  );
  assert(plain > 200, `only ${plain} of 2000 lines were plain: the test shows little`);
});

/** Without the flags that were not given, for which the grammar has undefined. */
function given(invocation: Invocation): unknown {
  return JSON.parse(JSON.stringify(invocation));
}
