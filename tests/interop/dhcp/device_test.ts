/** The tunnel's device is taken away and put back while DHCP is served on it. */
import { eventually, says, startGateway } from "../../lab/roles.ts";
import { labTests } from "../../lab/test.ts";
import { clients } from "./clients.ts";
import { addressesOf, connect, withPods } from "./pods.ts";

const labTest = labTests();

labTest("somebody deletes the gateway's device: it is put back, and leases are given on it again", async (lab) => {
  const gateway = lab.gateway(0);
  const pgw = await startGateway(gateway);
  await gateway.ip("link delete vxlan3150");
  await pgw.waitForLog(says("put back what was changed by others"), { timeoutMs: 30_000 });
  await withPods(lab, ["client"], async ({ client }) => {
    await connect(client, gateway.address.v4);
    await clients.udhcpc.start(client);
    await eventually("a lease", async () => (await addressesOf(client)).length > 0);
    await client.exec(["ping", "-c1", "-W2", "172.29.0.1"]);
  });
});
