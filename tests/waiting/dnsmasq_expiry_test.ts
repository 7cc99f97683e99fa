/** Our client and a lease of dnsmasq, whose shortest is two minutes: what ends when nobody prolongs it. */
import assert from "node:assert/strict";
import { addressesOf } from "../interop/dhcp/pods.ts";
import { servers } from "../interop/dhcp/servers.ts";
import { startSeedGateway } from "../interop/seed_gateway.ts";
import { eventually, says, startClient, untilOpen } from "../lab/roles.ts";
import { labTests } from "../lab/test.ts";

const labTest = labTests();
const leaseMs = 120_000;

labTest("a lease of dnsmasq ends: the address goes, the Pod is closed, and it begins anew", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await startSeedGateway(gateway, []);
  const dnsmasq = await servers.dnsmasq.start(gateway);
  const pgw = startClient(client, {}, ["client", "run", `${gateway.address.v4}:3150`]);
  const opened = await untilOpen(pgw);
  const { address } = opened as { address: string };
  const lines = pgw.lines.length;
  await dnsmasq.stop("SIGKILL");
  // It asks again and again (T1 is after two seconds), and goes on meanwhile.
  const closed = await pgw.waitForLog(says("closed: "), { timeoutMs: 2 * leaseMs, from: lines });
  assert.equal(closed.reason, "the lease is lost: expired");
  assert.ok(Number(closed.timestamp) - Number(opened.timestamp) > leaseMs - 10_000, "it lasted to its end");
  await eventually("the address is gone", async () => (await addressesOf(client)).length === 0);
  assert.equal(await client.fetchSourceAddress(undefined, 500), undefined);
  await servers.dnsmasq.start(gateway);
  await untilOpen(pgw, lines);
  assert.deepEqual(await addressesOf(client), [`${address}/24`]);
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
}, { timeoutMs: 3 * leaseMs });
