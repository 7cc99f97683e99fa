import assert from "node:assert/strict";
import { runStorm } from "./storm.ts";

for (const intervalMs of [300, 10_000]) {
  Deno.test(`100 clients lose their gateway for 30 s, with checks each ${intervalMs} ms: no storm`, {
    permissions: "none",
  }, () => {
    const clients = 100;
    const seconds = runStorm({ clients, intervalMs, downMs: 30_000, seed: 1 });
    const rate = (from: number, to: number, what: "names" | "questions" | "dhcp") =>
      Math.max(...seconds.slice(from, to).map((second) => second[what])) / clients;
    assert.ok(rate(0, 30, "questions") <= 8, `${rate(0, 30, "questions")} questions a client in the worst second`);
    assert.ok(rate(0, 30, "names") <= 4, `${rate(0, 30, "names")} names a client in the worst second`);
    // Longest pauses are 2.5 to 5 s: a client in three or four asks in a second, and never all of them in the same.
    assert.ok(rate(12, 30, "questions") <= 0.6, `${rate(12, 30, "questions")} questions a client in the long run`);
    // When it is back they come one after the other.
    assert.ok(
      rate(30, seconds.length, "dhcp") <= 0.7,
      `${rate(30, seconds.length, "dhcp")} leases a client in a second`,
    );
    assert.ok(seconds.length <= 30 + 7, `${seconds.length - 30} s until all are open again`);
  });
}
