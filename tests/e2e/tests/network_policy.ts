import assert from "node:assert/strict";
import { cityOf } from "../internet.ts";
import { eventually } from "../wait.ts";
import type { Client } from "../workloads.ts";
import type { Test, World } from "../world.ts";

const policies = new URL("../../../deploy/network-policy/", import.meta.url).pathname;

export const networkPolicy: Test = {
  name: "default-deny NetworkPolicy: with ours it works, without ours a log line says what is blocked",
  async run(world) {
    const { kubectl } = world;
    await world.prepareNamespace("denied");
    await kubectl.apply(defaultDeny("denied"), defaultDeny("vpn"));
    await kubectl.applyFolder(`${policies}gateway`, "vpn");
    const client: Client = { name: "denied", namespace: "denied", form: "sidecar" };
    try {
      return await world.withoutLeak(() => blockedThenOpen(world, client));
    } finally {
      await kubectl.run(["delete", "networkpolicy", "-n", "vpn", "--all"]);
      await world.removeClient(client);
    }
  },
};

async function blockedThenOpen(world: World, client: Client): Promise<string> {
  await world.applyClient(client);
  const line = await eventually("a log line names NetworkPolicy", 45_000, async () => {
    const pod = await world.kubectl.pod("denied", "app=denied");
    const line = (await world.kubectl.logs(pod, "pgw")).split("\n").find((line) => line.includes("NetworkPolicy"));
    assert.ok(line, "none does");
    return line;
  }, 1_000);
  await world.kubectl.applyFolder(`${policies}client`, "denied");
  const [pod] = await world.kubectl.ready("denied", "app=denied", 1, 60_000);
  const { source } = await world.answered(pod!, 0, 10_000);
  assert.ok(cityOf(source!), `seen as ${source}`);
  const { message } = JSON.parse(line) as { message: string };
  return `'${message}'`;
}

function defaultDeny(namespace: string): unknown {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "default-deny", namespace },
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
  };
}
