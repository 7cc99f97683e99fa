import assert from "node:assert/strict";
import { run } from "../command.ts";
import { onNode } from "../cluster.ts";
import type { Test } from "../world.ts";

const units = new URL("../../../deploy/bare/", import.meta.url).pathname;
const names = ["pgw-gateway.service", "pgw-client.service"];

export const systemd: Test = {
  name: "systemd units for a node without Kubernetes: verified, and hardened",
  async run({ cluster }) {
    // a node of the cluster is a machine with systemd
    const node = cluster.nodes[1];
    await run(["docker", "cp", `${units}.`, `${node}:/opt/bare`]);
    await onNode(node, ["install", "-m", "755", "/bin/true", "/usr/local/bin/pgw"]);
    const verify = await onNode(node, ["bash", "-c", `cd /opt/bare && systemd-analyze verify ${names.join(" ")} 2>&1`]);
    assert.equal(verify, "", "systemd-analyze verify");
    const levels = [];
    for (const name of names) {
      // 3.0 of 10; a service without any hardening has 9.6
      const command = ["systemd-analyze", "security", "--offline=true", "--threshold=30", `/opt/bare/${name}`];
      const text = await onNode(node, command);
      levels.push(/exposure level for .*: ([\d.]+)/.exec(text)![1]);
    }
    return `exposure: gateway ${levels[0]}, client ${levels[1]}`;
  },
};
