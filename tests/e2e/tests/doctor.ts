import assert from "node:assert/strict";
import type { Finding } from "../../../mod/doctor/finding.ts";
import type { Pod } from "../kubectl.ts";
import type { Client } from "../workloads.ts";
import type { Test, World } from "../world.ts";

const client: Client = { name: "examined", namespace: "apps", form: "sidecar", probed: true };

export const doctor: Test = {
  name: "pgw doctor finds nothing wrong in a client and in each gateway, and none of its leak probes leaves",
  async run(world) {
    const inClient = await world.withoutLeak(() =>
      world.withClient(client, (pod) => examine(world, pod, "--name", "www.outside.test"))
    );
    const leaks = inClient.filter(({ check }) => check.startsWith("leak: "));
    assert.equal(leaks.length, 8);
    for (const { check, outcome, detail } of leaks) {
      // Where net.ipv4.ping_group_range is the kernel's own, nobody without NET_RAW can send ICMP.
      if (!check.includes("ICMP")) assert.equal(outcome, "ok", `${check}: ${detail}`);
    }
    const inGateways = await Promise.all((await world.gateways()).map((pod) => examine(world, pod)));
    return [inClient, ...inGateways].map((findings) => `${findings.length} findings`).join(", ");
  },
};

async function examine(world: World, pod: Pod, ...args: string[]): Promise<Finding[]> {
  // The exit code is not 0 when there is a problem: then what it printed is the message.
  const text = await world.kubectl.exec(pod, "pgw", ["pgw", "doctor", "--json", ...args], 60_000);
  const { well, findings } = JSON.parse(text) as { well: boolean; findings: Finding[] };
  assert.ok(well, text);
  return findings;
}
