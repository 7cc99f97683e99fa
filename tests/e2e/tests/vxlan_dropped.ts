import assert from "node:assert/strict";
import { onNode } from "../cluster.ts";
import { cityOf } from "../internet.ts";
import { eventually } from "../wait.ts";
import { type Client, configMap } from "../workloads.ts";
import type { Test, World } from "../world.ts";

/** As Calico has it by default, for what Pods send. */
const rule = ["FORWARD", "-p", "udp", "--dport", "4789", "-j", "DROP"];

export const vxlanDropped: Test = {
  name: "nodes drop UDP 4789: the log says so and names PGW_VXLAN_PORT; another port on the gateways alone works",
  async run(world) {
    const { nodes } = world.cluster;
    for (const node of nodes) await onNode(node, ["iptables", "-I", ...rule]);
    const client: Client = { name: "calico", namespace: "apps", form: "sidecar" };
    try {
      return await world.withoutLeak(() => namedThenMended(world, client));
    } finally {
      for (const node of nodes) await onNode(node, ["iptables", "-D", ...rule]);
      await world.removeClient(client);
      await setGateways(world, {});
    }
  },
};

async function namedThenMended(world: World, client: Client): Promise<string> {
  await world.applyClient(client);
  const line = await eventually("a log line names PGW_VXLAN_PORT", 45_000, async () => {
    const pod = await world.kubectl.pod("apps", `app=${client.name}`);
    const line = (await world.kubectl.logs(pod, "pgw")).split("\n").find((line) => line.includes("PGW_VXLAN_PORT"));
    assert.ok(line, "none does");
    return line;
  }, 1_000);
  await setGateways(world, { PGW_VXLAN_PORT: "4790" });
  const [pod] = await world.kubectl.ready("apps", `app=${client.name}`, 1, 90_000);
  const { source } = await world.answered(pod!, 0, 10_000);
  assert.ok(cityOf(source!), `seen as ${source}`);
  const { message } = JSON.parse(line) as { message: string };
  return `'${message}'`;
}

async function setGateways(world: World, settings: Readonly<Record<string, string>>): Promise<void> {
  await world.kubectl.apply(configMap("vpn", "pgw-gateway", { PGW_LOG_LEVEL: "info", ...settings }));
  await world.kubectl.run(["rollout", "restart", "-n", "vpn", "deployment"]);
  for (const city of ["tokyo", "osaka"]) {
    await world.kubectl.run(["rollout", "status", "-n", "vpn", `deployment/jp-gateway-${city}`, "--timeout=90s"]);
  }
}
