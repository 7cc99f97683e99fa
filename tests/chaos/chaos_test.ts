/** A few of the faults of `deno task chaos`: that nothing leaks, no lease is lost or doubled, and all is well again. */
import assert from "node:assert/strict";
import { faults } from "./faults.ts";
import { runFaults } from "./run.ts";
import { World } from "./world.ts";

const chosen = [
  "client and gateway killed",
  "gateway's link cut one way",
  "30 % reordered in the tunnel",
  "VPN down",
  "clock jumps (gateway)",
  "disk full, client started anew",
  "disk slow, client started anew",
];

Deno.test({
  name: `chaos: ${chosen.join(", ")}`,
  // What is started in the lab ends with it.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const world = await World.create();
    try {
      const all = chosen.map((name) => faults.find((fault) => fault.name === name)!);
      for await (const { fault, leaks, leasesLost, leasesDoubled } of runFaults(world, all, 1)) {
        assert.deepEqual({ leaks, leasesLost, leasesDoubled }, { leaks: 0, leasesLost: 0, leasesDoubled: 0 }, fault);
      }
    } catch (error) {
      console.error(await world.lab.describe());
      throw error;
    } finally {
      await world.close();
    }
  },
});
