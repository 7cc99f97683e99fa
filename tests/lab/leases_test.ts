/** `pgw leases` on a gateway, for people and for machines. */
import assert from "node:assert/strict";
import { leasesOf, type Listed } from "../interop/dhcp/pods.ts";
import { printed, startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";

const labTest = labTests();

labTest("leases tells who has which address, as a table and as JSON", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await startGateway(gateway);
  assert.match(await printed(gateway, "leases"), /^No leases\.$/m);
  assert.deepEqual(JSON.parse(await printed(gateway, "leases", "--json")).leases, []);

  const { address } = await untilOpen(startClient(client)) as { address: string };
  const table = await printed(gateway, "leases");
  assert.match(table, /^address +mac +host name +state +expires\n.* bound +in 11 h 59 min\n\nfree +234$/m);
  assert.match(table, new RegExp(`^${address} +02:78:0a:2a:00:0b `, "m"));
  const { leases }: { leases: Listed[] } = JSON.parse(await printed(gateway, "leases", "--json"));
  assert.deepEqual(leases, await leasesOf(gateway));
  assert.equal(leases.length, 1);
  const [lease = assert.fail()] = leases;
  assert.deepEqual([lease.address, lease.state], [address, "bound"]);
  assert.ok(lease.expiresAt > Date.now());
});
