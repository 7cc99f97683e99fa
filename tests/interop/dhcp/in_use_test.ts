/** Addresses that are in use without a lease in force: no other client gets them, and none waits for that to be found out. */
import assert from "node:assert/strict";
import type { Pod } from "../../lab/pod.ts";
import { eventually, sleep, startClient, startGateway, untilClosed, untilOpen } from "../../lab/roles.ts";
import { labTests } from "../../lab/test.ts";
import { startSeedGateway } from "../seed_gateway.ts";
import { clients } from "./clients.ts";
import { device, Dialogue } from "./dialogue.ts";
import { addressesOf, connect, leasesOf, macOf, withPods } from "./pods.ts";
import { servers, takenAddress } from "./servers.ts";

const labTest = labTests();

/** The address that udhcpc gets. */
async function leasedBy(pod: Pod): Promise<string> {
  await clients.udhcpc.start(pod);
  return await eventually("a lease", async () => (await addressesOf(pod))[0]?.replace(/\/.*/, ""));
}

labTest("an address that a stranger uses, seen by ARP, is given to nobody else", async (lab) => {
  const gateway = lab.gateway(0);
  await startGateway(gateway, { PGW_DHCP_POOL: "20-23" });
  await withPods(lab, ["squatter", "one", "two", "three"], async ({ squatter, ...others }) => {
    await connect(squatter, gateway.address.v4);
    await squatter.ip(`addr add 172.29.0.21/24 dev ${device}`);
    await squatter.exec(["ping", "-c1", "-W2", "172.29.0.1"]);
    await eventually(
      "it is set aside",
      async () => (await leasesOf(gateway)).some(({ state }) => state === "declined"),
    );
    const given: string[] = [];
    for (const pod of Object.values(others)) {
      await connect(pod, gateway.address.v4);
      given.push(await leasedBy(pod));
    }
    assert.deepEqual(given.sort(), ["172.29.0.20", "172.29.0.22", "172.29.0.23"]);
  });
});

labTest(
  "an address whose lease ended while its holder is still there is given to nobody else until it is silent",
  async (lab) => {
    const gateway = lab.gateway(0);
    await startGateway(gateway, { PGW_DHCP_POOL: "20-20", PGW_DHCP_LEASE_TIME: "10" });
    // Of what the kernel has learned of a host it forgets all some minutes after its last frame: here sooner.
    await gateway.ip(`link set ${device} type vxlan ageing 3`);
    await withPods(lab, ["holder", "other"], async ({ holder, other }) => {
      await connect(holder, gateway.address.v4);
      await connect(other, gateway.address.v4);
      const address = await leasedBy(holder);
      await holder.processes.at(-1)!.stop("SIGKILL");
      const ping = holder.spawn(["ping", "-q", "-i", "0.5", "172.29.0.1"]);
      await eventually("it has ended", async () => (await leasesOf(gateway))[0]?.state === "expired");
      await sleep(11_000); // The gateway has looked meanwhile: it does every ten seconds.
      using dialogue = new Dialogue(gateway, await macOf(other));
      await clients.udhcpc.start(other);
      for (let count = 0; count < 5; count++) {
        await dialogue.waitFor({ type: "DISCOVER" });
        assert.deepEqual([...new Set(dialogue.messages.map(({ type }) => type))], ["DISCOVER"]);
        dialogue.clear();
      }
      assert.deepEqual(await addressesOf(other), []);
      await ping.stop("SIGTERM");
      await eventually("the other has it", async () => (await addressesOf(other))[0] === `${address}/24`, 60_000);
    });
  },
);

labTest("without a writable path: a gateway that was killed gives nobody what its clients still have", async (lab) => {
  const gateway = lab.gateway(0);
  await lab.setEndpoints([0]);
  const settings = { PGW_DHCP_POOL: "20-21", PGW_STATE_DIR: "/proc/pgw" };
  const first = await startGateway(gateway, settings);
  assert.equal(first.logs.filter(({ message }) => /kept in memory only/.test(String(message))).length, 1);
  await withPods(lab, ["held", "other"], async ({ held, other }) => {
    await connect(held, gateway.address.v4);
    const address = await leasedBy(held);
    await held.exec(["ping", "-c1", "-W2", "172.29.0.1"]);
    await first.stop("SIGKILL");
    await startGateway(gateway, settings);
    const [listed] = await leasesOf(gateway);
    assert.deepEqual([listed?.address, listed?.state], [address, "declined"]);
    await connect(other, gateway.address.v4);
    assert.notEqual(await leasedBy(other), address);
    // Its holder presents it, and has it again.
    clients.udhcpc.renew?.(held.processes.at(-1) ?? assert.fail("no client"));
    await eventually("renewed", async () => {
      return (await leasesOf(gateway)).some((lease) => lease.address === address && lease.state === "bound");
    });
  });
});

labTest(
  "a Pod keeps its address from gateway to gateway, and two Pods of two gateways do not have the same",
  async (lab) => {
    const [one, two] = [lab.client(0), lab.client(1)];
    await lab.setEndpoints([0]);
    const [first] = await Promise.all([startGateway(lab.gateway(0)), startGateway(lab.gateway(1))]);
    const ours = startClient(one);
    await untilOpen(ours);
    await lab.setEndpoints([1]);
    await untilOpen(startClient(two));
    const before = [await addressesOf(one), await addressesOf(two)];
    assert.notDeepEqual(before[0], before[1]);
    const from = ours.lines.length;
    await first!.stop("SIGKILL");
    await untilOpen(ours, from);
    assert.deepEqual([await addressesOf(one), await addressesOf(two)], before);
    assert.equal((await leasesOf(lab.gateway(1))).filter(({ state }) => state === "bound").length, 2);
  },
);

labTest("a client that is taken over and gets an address that another host has declines it", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await startSeedGateway(gateway, []);
  await gateway.exec(["bridge", "fdb", "append", "00:00:00:00:00:00", "dev", device, "dst", client.address.v4]);
  await servers.dhcpd.start(gateway);
  const start = () => startClient(client, {}, ["client", "run", `${gateway.address.v4}:3150`]);
  const first = start();
  const { address } = await untilOpen(first) as { address: string };
  await first.stop("SIGKILL");
  await gateway.ip(`address add ${address}/32 dev ${device}`);
  // It holds one that the server refuses, and is given its own instead.
  await client.sysctl(`net.ipv4.conf.${device}.promote_secondaries=1`); // its routes stay
  await client.ip(`address add ${takenAddress}/24 dev ${device}`, `address delete ${address}/24 dev ${device}`);
  using dialogue = new Dialogue(gateway);
  const second = start();
  await dialogue.waitFor({ type: "DECLINE", requested: address });
  assert.match(String((await untilClosed(second)).reason), new RegExp(`${address} is used by another host`));
  assert.notEqual((await untilOpen(second)).address, address);
});
