import assert from "node:assert/strict";
import type { Argv, Runner } from "../../../mod/linux/runner.ts";
import { nothing } from "../../../mod/netstate/state.ts";
import { Applier, type Wanted } from "../../../mod/runtime/applier.ts";

/** An iptables that takes a turn of the event loop for each command, holds what it was told, and fails when told. */
class FakeTables implements Runner {
  readonly restored: string[] = [];
  failure: string | undefined;
  #filter: string[] = [];

  flush(): void {
    this.#filter = [];
  }

  async run([program]: Argv, stdin = ""): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    const mark = /-A PGW-OUTPUT -m mark --mark (\w+)/.exec(stdin)?.[1];
    if (program === "iptables-restore" && mark !== undefined) {
      if (this.failure !== undefined) throw new Error(this.failure);
      this.restored.push(mark);
      this.#filter = ["-N PGW-OUTPUT", "-A OUTPUT -j PGW-OUTPUT", ...stdin.match(/^-A PGW-OUTPUT .*$/gm) ?? []];
    }
    return [...stdin.matchAll(/^\*(\w+)\n-S -v\n/gm)].map(([, table]) => {
      const rules = program === "iptables-restore" && table === "filter" ? this.#filter : [];
      return ["-P OUTPUT ACCEPT", ...rules, "-P OUTPUT ACCEPT", ""].join("\n");
    }).join("");
  }
}

function wanted(name: string, stage: number): Wanted {
  const chain = {
    table: "filter",
    name: "PGW-OUTPUT",
    hook: "OUTPUT",
    rules: [`-m mark --mark ${name} -j DROP`],
  } as const;
  const firewall = { v4: { chains: [chain] }, v6: { chains: [] } };
  return { state: () => ({ ...nothing, firewall }), key: name, stage, firewallOnly: true, opens: false };
}

/** An applier whose user wants `want.now`, and what it is told. */
function applier(first: Wanted | undefined) {
  const want = { now: first };
  const told: string[] = [];
  const tables = new FakeTables();
  const onFailure = { then: () => {} };
  const it = new Applier({
    runner: tables,
    wanted: () => want.now,
    applied: () => told.push(`applied ${want.now?.key} at stage ${want.now?.stage}`),
    repaired: () => told.push("repaired"),
    failed: (error) => {
      told.push(`failed: ${error instanceof Error ? error.message : error}`);
      onFailure.then();
    },
  });
  return { it, want, told, tables, onFailure };
}

Deno.test("applier: each stage is told once, the kernel asked only when something changes", async () => {
  const { it, want, told, tables } = applier(wanted("0x1", 1));
  await it.update();
  await it.update();
  want.now = wanted("0x1", 2);
  await it.update();
  want.now = wanted("0x2", 3);
  await it.update();
  assert.deepEqual(told, ["applied 0x1 at stage 1", "applied 0x1 at stage 2", "applied 0x2 at stage 3"]);
  assert.deepEqual(tables.restored, ["0x1", "0x2"]);
});

Deno.test("applier: a change of mind while it works is followed, and what is stale is not told", async () => {
  const { it, want, told, tables } = applier(wanted("0x1", 1));
  const working = it.update();
  want.now = wanted("0x2", 2);
  await it.update();
  await working;
  assert.deepEqual(told, ["applied 0x2 at stage 2"]);
  assert.deepEqual(tables.restored, ["0x1", "0x2"]);
});

Deno.test("applier: what is wanted in answer to a failure is applied at once", async () => {
  const { it, want, told, tables, onFailure } = applier(wanted("0x1", 1));
  tables.failure = "no lock";
  onFailure.then = () => {
    tables.failure = undefined;
    want.now = wanted("0x9", 2);
  };
  await it.update();
  assert.deepEqual(told, ["failed: no lock", "applied 0x9 at stage 2"]);
});

Deno.test("applier: what failed is tried anew when it is asked to, not by itself", async () => {
  const { it, told, tables } = applier(wanted("0x1", 1));
  tables.failure = "no lock";
  await it.update();
  await it.update();
  tables.failure = undefined;
  await it.update();
  assert.deepEqual(told, ["failed: no lock", "failed: no lock", "applied 0x1 at stage 1"]);
});

Deno.test("applier: a flush in the middle of a change is seen as soon as that is made, not when it is looked at anyway", async () => {
  const { it, want, told, tables } = applier(wanted("0x1", 1));
  await it.update();
  want.now = wanted("0x2", 2);
  const working = it.update();
  it.look();
  await working;
  tables.flush();
  for (let turns = 0; turns < 100 && !told.includes("repaired"); turns++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.deepEqual(told, ["applied 0x1 at stage 1", "applied 0x2 at stage 2", "repaired"]);
  assert.deepEqual(tables.restored, ["0x1", "0x2", "0x2"]);
});

Deno.test("applier: nothing wanted, nothing done", async () => {
  const { it, told, tables } = applier(undefined);
  await it.update();
  assert.deepEqual([told, tables.restored], [[], []]);
});
