import assert from "node:assert/strict";
import { longestGap } from "../timeline.ts";
import { eventually } from "../wait.ts";
import type { Client } from "../workloads.ts";
import type { Test, World } from "../world.ts";

export const clientKilled: Test = {
  name: "the client container is killed: nothing leaks, it comes back, the lease is kept",
  async run(world) {
    const gaps = await Promise.all(
      (["sidecar", "classic"] as const).map((form) => kill(world, { name: `killed-${form}`, namespace: "apps", form })),
    );
    return `without an answer at most ${gaps.join(" and ")} ms`;
  },
};

function kill(world: World, client: Client): Promise<number> {
  return world.withClient(client, async (pod) => {
    await world.answered(pod, 0, 10_000);
    const before = await world.tunnel(pod);
    const start = Date.now();
    await world.killContainer(pod, "pgw");
    await eventually("the container is back", 90_000, async () => {
      assert.equal(await world.restarts(pod, "pgw"), 1);
    });
    await world.kubectl.ready("apps", `app=${client.name}`, 1, 60_000);
    await world.answered(pod, Date.now(), 30_000);
    assert.equal((await world.tunnel(pod)).address, before.address, "the leased address");
    return Math.round(longestGap(await world.timeline(pod), start));
  });
}
