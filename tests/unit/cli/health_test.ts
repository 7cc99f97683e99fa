import assert from "node:assert/strict";
import { main, type Roles } from "../../../mod/cli/main.ts";
import { fakeIo } from "./fake_io.ts";

const roles: Roles = {
  runGateway: () => Promise.reject(new Error("not a role")),
  runClient: () => Promise.reject(new Error("not a role")),
};

const questions: readonly [readonly string[], string][] = [
  [[], "3150/healthz"],
  [["--startup"], "3150/healthz"],
  [["--ready"], "3150/readyz"],
  [["--live", "--http-port", "3151"], "3151/livez"],
];

for (const [args, asked] of questions) {
  Deno.test(`pgw health ${args.join(" ")} asks ${asked}`, async () => {
    const ok = { status: 200, body: "ok\n" };
    const io = fakeIo({ answers: { "/healthz": ok, "/readyz": ok, "/livez": ok } });
    assert.equal(await main(["health", ...args], roles, io), 0);
    assert.deepEqual([io.asked, io.out, io.err], [[asked], ["ok"], []]);
  });
}

Deno.test("not well: the reason, exit code 1, and no terminal is controlled by it", async () => {
  const io = fakeIo({ answers: { "/healthz": { status: 503, body: "closed: no gateway\x1b[2J\n" } } });
  assert.equal(await main(["health"], roles, io), 1);
  assert.deepEqual([io.out, io.err], [[], ["closed: no gateway?[2J"]]);
});

Deno.test("no pgw runs: exit code 1", async () => {
  const io = fakeIo();
  assert.equal(await main(["health"], roles, io), 1);
  assert.deepEqual(io.err, ["pgw: nothing listens"]);
});
