import assert from "node:assert/strict";
import { run, type Tally } from "./client_model.ts";

for (const mode of ["run", "start"] as const) {
  Deno.test(`client model, ${mode}: nothing leaks in any state, and the Pod is open when all is well again`, {
    permissions: "none",
  }, () => {
    const total: Tally = {};
    for (let seed = 1; seed <= 15; seed++) {
      for (const [what, count] of Object.entries(run({ seed, mode, trouble: 120_000 }))) {
        total[what] = (total[what] ?? 0) + count;
      }
    }
    for (const what of ["starts", "takeovers", "killed", "stopped", "refusals", "flushed", "routed"]) {
      assert((total[what] ?? 0) > 5, `${what} happened ${total[what] ?? 0} times only: ${JSON.stringify(total)}`);
    }
  });
}
