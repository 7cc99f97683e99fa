/** Our client at the seed's gateway (dnsmasq, a plain IP answer), and the seed's clients (dhclient, udhcpc) at ours. */
import assert from "node:assert/strict";
import { from, names } from "../lab/lab.ts";
import { eventually, startClient, startGateway, untilClosed, untilOpen } from "../lab/roles.ts";
import { labTests } from "../lab/test.ts";
import { connectSeedClient } from "./seed_client.ts";
import { startSeedGateway } from "./seed_gateway.ts";

const labTest = labTests();

labTest("our client at the seed's gateway: open, watched, closed when it dies, and back", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  const seed = await startSeedGateway(gateway);
  const pgw = startClient(client);
  await untilOpen(pgw);
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
  assert.equal(await client.fetchSourceAddress("http://seed.example.test/"), gateway.vpnAddress.v4);
  assert.match(seed.dnsmasq.output, /DHCPACK\(vxlan3150\) 172\.29\.0\.\d+/);

  using leaks = lab.captureDirect(from(client));
  const lines = pgw.lines.length;
  await gateway.restart();
  await untilClosed(pgw, lines);
  assert.equal(await client.fetchSourceAddress(undefined, 500), undefined);
  leaks.assertNone();
  await startSeedGateway(gateway);
  await client.waitForSourceAddress(gateway.vpnAddress.v4, undefined, 30_000);
});

for (const program of ["dhclient", "udhcpc"] as const) {
  labTest(`the seed's client with ${program} at our gateway`, async (lab) => {
    const [client, gateway] = [lab.client(0), lab.gateway(0)];
    await lab.setEndpoints([0]);
    await startGateway(gateway);
    const times = await connectSeedClient(client, names.gateway, program);
    assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
    const { stdout } = await client.exec(["ip", "-4", "-br", "addr", "show", "vxlan3150"]);
    const host = Number(/ 172\.29\.0\.(\d+)\/24/.exec(stdout)?.[1]);
    assert.ok(host >= 20 && host <= 254, stdout);
    console.log(`    ${program} at our gateway: ${JSON.stringify(times)}`);
  });
}

labTest("a gateway of ours takes the place of the seed's under a running client", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  const seed = await startSeedGateway(gateway);
  const pgw = startClient(client);
  await untilOpen(pgw);
  await Promise.all([seed.dnsmasq.stop(), seed.http.stop()]);
  await gateway.restart();
  await startGateway(gateway);
  await eventually("open again", async () => await client.fetchSourceAddress() === gateway.vpnAddress.v4, 30_000);
});
