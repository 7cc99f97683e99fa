import assert from "node:assert/strict";
import { onNode } from "../cluster.ts";
import { cities, cityOf } from "../internet.ts";
import { isReady, type Pod } from "../kubectl.ts";
import { longestGap } from "../timeline.ts";
import { eventually, sleep } from "../wait.ts";
import type { Test, World } from "../world.ts";

type Fault = {
  readonly name: string;
  readonly cause: (world: World, gateway: Pod, client: Pod) => Promise<void>;
  readonly mend?: (world: World, gateway: Pod) => Promise<void>;
  /** The same gateway may serve again: it is back in no time. */
  readonly sameAgain?: boolean;
};

const faults: readonly Fault[] = [
  {
    name: "Pod deleted",
    cause: async (world, gateway) => {
      await world.kubectl.run(["delete", "pod", "-n", "vpn", gateway.metadata.name, "--wait=false"]);
    },
  },
  {
    name: "container killed",
    cause: (world, gateway) => world.killContainer(gateway, "pgw"),
    sameAgain: true,
  },
  {
    name: "node drained",
    cause: async (world, gateway) => {
      // only the gateways, else the cluster's own Pods would move too
      const options = ["--ignore-daemonsets", "--delete-emptydir-data", "--pod-selector=pod-gateway/role=gateway"];
      await world.kubectl.run(["drain", gateway.spec.nodeName!, ...options, "--timeout=60s"]);
    },
    mend: async (world, gateway) => {
      await world.kubectl.run(["uncordon", gateway.spec.nodeName!]);
    },
  },
  {
    name: "VPN down",
    cause: async (world, _gateway, client) => await world.internet.stopVpn(await cityNow(world, client)),
    mend: async (world, gateway) => {
      await world.internet.startVpn(gateway.metadata.name.includes("tokyo") ? "tokyo" : "osaka");
    },
  },
  {
    name: "node's way to the gateway cut",
    cause: async (_world, gateway) => {
      await onNode(gateway.spec.nodeName!, ["iptables", "-I", "FORWARD", "-d", gateway.status.podIP!, "-j", "DROP"]);
    },
    mend: async (_world, gateway) => {
      await onNode(gateway.spec.nodeName!, ["iptables", "-D", "FORWARD", "-d", gateway.status.podIP!, "-j", "DROP"]);
    },
  },
];

export const gatewayFaults: Test = {
  name:
    "a gateway is deleted, killed, drained, cut off, or without its VPN: nothing leaks, traffic goes on through another",
  run: (world) =>
    world.withClient({ name: "faults", namespace: "apps", form: "sidecar" }, async (client) => {
      await world.answered(client, 0, 10_000);
      const gaps: string[] = [];
      for (const fault of faults) gaps.push(`${fault.name} ${await survive(world, client, fault)} ms`);
      await everyVpnDown(world, client);
      assert.equal(await world.restarts(client, "pgw"), 0, "restarts of the client");
      return `without an answer at most: ${gaps.join(", ")}`;
    }),
};

/** The longest time that the application was without an answer, in milliseconds. */
async function survive(world: World, client: Pod, fault: Fault): Promise<number> {
  await world.gatewaysReady(90_000);
  const gateway = await world.gatewayOf(client);
  const start = Date.now();
  try {
    await world.withoutLeak(async () => {
      await fault.cause(world, gateway, client);
      if (fault.sameAgain) {
        await eventually("the container was started again", 90_000, async () => {
          assert.ok(await world.restarts(gateway, "pgw") > 0);
        });
      } else {
        await eventually(`${fault.name}: the client uses another gateway`, 60_000, async () => {
          assert.notEqual((await world.gatewayOf(client)).metadata.name, gateway.metadata.name);
        });
      }
      await world.answered(client, Date.now(), 60_000);
      // also by a gateway that was started again when the VPN had already changed its resolvers
      await world.inApp(client, "getent", "ahostsv4", "near.plain");
    });
  } finally {
    await fault.mend?.(world, gateway);
  }
  const timeline = await world.timeline(client);
  const strange = timeline.find(({ source }) => source !== undefined && cityOf(source) === undefined);
  assert.equal(strange, undefined, "every answer came through a VPN");
  return Math.round(longestGap(timeline, start));
}

/** There is no way out at all: no answer, and nothing leaves by the gateways' own interfaces, names included. */
async function everyVpnDown(world: World, client: Pod): Promise<void> {
  await world.gatewaysReady(90_000);
  await world.withoutLeak(async () => {
    for (const city of cities) await world.internet.stopVpn(city);
    try {
      await eventually("no gateway is ready", 30_000, async () => {
        assert.equal((await world.gateways()).filter(isReady).length, 0);
      });
      const start = Date.now();
      await sleep(3_000);
      const answers = (await world.timeline(client)).filter(({ at, source }) => at > start && source !== undefined);
      assert.deepEqual(answers, [], "answers without a VPN");
    } finally {
      for (const city of cities) await world.internet.startVpn(city);
    }
    await world.gatewaysReady(60_000);
    await world.answered(client, Date.now(), 60_000);
  });
}

async function cityNow(world: World, client: Pod) {
  const { source } = await world.answered(client, Date.now(), 10_000);
  const city = cityOf(source!);
  assert.ok(city, `seen as ${source}`);
  return city;
}
