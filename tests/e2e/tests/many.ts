import assert from "node:assert/strict";
import type { Pod } from "../kubectl.ts";
import { type Client, configMap } from "../workloads.ts";
import type { Test } from "../world.ts";

const count = 50;

export const many: Test = {
  name: `${count} client Pods on two gateways: all get a lease of their own`,
  async run(world) {
    const client: Client = {
      name: "many",
      // with no settings but the log's: as a user has it
      namespace: "many",
      form: "sidecar",
      service: "tokyo-gateway.vpn.svc.cluster.local",
      replicas: count,
      command: ["sleep", "infinity"],
    };
    await world.kubectl.apply(configMap("many", "pgw-client", { PGW_LOG_LEVEL: "info" }));
    const start = Date.now();
    const pods = await world.startClient(client, 240_000);
    const seconds = ((Date.now() - start) / 1000).toFixed(1);
    const tunnels = await inTurns(pods, 8, (pod) => world.tunnel(pod));
    const leases = new Set(tunnels.map(({ remote, address }) => `${address} of ${remote}`));
    assert.equal(leases.size, count, "distinct addresses on their gateways");
    await world.removeClient(client);
    const perGateway = Map.groupBy(tunnels, ({ remote }) => remote);
    const split = [...perGateway.values()].map((tunnels) => tunnels.length).join(" + ");
    return `all ready after ${seconds} s, on ${perGateway.size} gateways: ${split}`;
  },
};

/** `work` for each Pod, at most `width` at a time. */
async function inTurns<T>(pods: readonly Pod[], width: number, work: (pod: Pod) => Promise<T>): Promise<T[]> {
  const waiting = [...pods];
  const results: T[] = [];
  await Promise.all(Array.from({ length: width }, async () => {
    for (let pod = waiting.pop(); pod !== undefined; pod = waiting.pop()) results.push(await work(pod));
  }));
  return results;
}
