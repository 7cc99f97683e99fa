/** What the seed's document promises, one by one: devices, answer, closed first, lease, watch, global through, local around. */
import assert from "node:assert/strict";
import { from, names, outsideTunnel } from "./lab.ts";
import { assertSeesProbes } from "./prober.ts";
import { eventually, startClient, startGateway, untilClosed, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet, serviceAddress } from "./topology.ts";

const labTest = labTests();

labTest(
  "1. the gateway makes vxlan3150: id 3150, port 4789, 172.29.0.1/24, and the same MAC each time",
  async (lab) => {
    const [one, other] = [lab.gateway(0), lab.gateway(1)];
    await Promise.all([startGateway(one), startGateway(other)]);
    const { stdout } = await one.exec(["ip", "-d", "-o", "link", "show", "vxlan3150"]);
    assert.match(stdout, /vxlan id 3150 .*dev eth0 .*dstport 4789/);
    const addresses = await one.exec(["ip", "-4", "-br", "addr", "show", "vxlan3150"]);
    assert.match(addresses.stdout, / 172\.29\.0\.1\/24 /);
    const mac = async (pod: typeof one) => (await pod.exec(["cat", "/sys/class/net/vxlan3150/address"])).stdout;
    assert.equal(await mac(one), await mac(other));
  },
);

labTest("2. `curl -fs http://SERVICE` prints the gateway Pod's address and a newline", async (lab) => {
  await lab.setEndpoints([0]);
  await startGateway(lab.gateway(0));
  const { stdout } = await lab.stranger.exec([
    "curl",
    "-fs",
    "--retry",
    "5",
    "--retry-connrefused",
    `http://${names.gateway}`,
  ]);
  assert.equal(stdout, `${lab.gateway(0).address.v4}\n`);
});

labTest("3. the client closes the Pod before all else, but for the local networks", async (lab) => {
  const client = lab.client(0);
  await lab.setEndpoints([]);
  assert.equal(await client.fetchSourceAddress(), "203.0.113.11");
  const pgw = startClient(client);
  await eventually("the Pod is closed", async () => (await client.fetchSourceAddress(undefined, 500)) === undefined);
  assert.equal(await client.fetchSourceAddress(`http://[${internet.web.v6}]/`, 500), undefined);
  assert.notEqual(await client.fetchSourceAddress(`http://${serviceAddress.web}/`), undefined);
  assert.equal(pgw.status, undefined, "it goes on waiting for a gateway");
});

labTest("4. the client leases an address, and its routes, MTU and names go by the gateway", async (lab) => {
  const client = lab.client(0);
  await startGateway(lab.gateway(0));
  await lab.setEndpoints([0]);
  await untilOpen(startClient(client));
  const { stdout: address } = await client.exec(["ip", "-4", "-o", "addr", "show", "vxlan3150"]);
  const host = Number(/inet 172\.29\.0\.(\d+)\/24 .*valid_lft \d+sec/.exec(address)?.[1]);
  assert.ok(host >= 20 && host <= 254, address);
  const { stdout: route } = await client.exec(["ip", "route", "get", internet.web.v4]);
  assert.match(route, /via 172\.29\.0\.1 dev vxlan3150/);
  assert.equal((await client.exec(["cat", "/sys/class/net/vxlan3150/mtu"])).stdout, "1450\n");
  assert.match(client.resolvConf(), /^nameserver 172\.29\.0\.1$/m);
  assert.match(client.resolvConf(), /^search test\.svc\.cluster\.local svc\.cluster\.local cluster\.local$/m);
  assert.match(client.resolvConf(), /^options ndots:5$/m);
});

labTest("5. a gateway that is lost is noticed; the Pod is closed, and another gateway found", async (lab) => {
  const client = lab.client(0);
  const gateways = [lab.gateway(0), lab.gateway(1)] as const;
  await lab.setEndpoints([0]);
  await Promise.all(gateways.map((gateway) => startGateway(gateway)));
  const pgw = startClient(client);
  await untilOpen(pgw);
  await client.waitForSourceAddress(gateways[0].vpnAddress.v4);

  const linesBefore = pgw.lines.length;
  await gateways[0].setCable("down");
  await untilClosed(pgw, linesBefore);
  assert.equal(await client.fetchSourceAddress(undefined, 500), undefined);
  await lab.setEndpoints([1]);
  await untilOpen(pgw, linesBefore);
  assert.equal(await client.fetchSourceAddress(), gateways[1].vpnAddress.v4);
});

labTest("6. what is global goes through the gateway, names included", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await startGateway(gateway);
  gateway.setResolvConf(`nameserver ${internet.dns.v4}\n`); // as VPN programs do
  using leaks = client.captureUplink(outsideTunnel);
  using control = lab.stranger.captureUplink(outsideTunnel);
  await assertSeesProbes(control, lab.stranger);
  await untilOpen(startClient(client));
  leaks.clear();
  const queriesBefore = lab.internet.dnsQueries().length;
  assert.equal(await client.fetchSourceAddress("http://global.example.test/"), gateway.vpnAddress.v4);
  const queries = lab.internet.dnsQueries().slice(queriesBefore).filter(({ name }) => name === "global.example.test");
  assert.deepEqual([...new Set(queries.map(({ from }) => from))], [gateway.vpnAddress.v4]);
  assert.ok(lab.cluster.dnsQueries().every(({ name }) => name !== "global.example.test"));
  leaks.assertNone();
});

labTest("7. what is local does not go through the gateway, and cluster names resolve", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await startGateway(gateway);
  await untilOpen(startClient(client));
  using direct = lab.cluster.captureUplink((packet) => packet.sourcePort === 8080);
  using tunnelled = gateway.capture("vxlan3150", (packet) => packet.destinationPort === 80);
  assert.equal(await client.fetchSourceAddress(`http://${names.web}/`), "10.42.0.1"); // the router's, as hairpins go
  assert.ok(direct.packets().length > 0);
  tunnelled.assertNone();
});

labTest("inbound connections are answered the way they came, from any source", async (lab) => {
  const client = lab.client(0);
  await lab.setEndpoints([0]);
  await startGateway(lab.gateway(0));
  await untilOpen(startClient(client));
  const server =
    `Deno.serve({ port: 9000, hostname: "::", onListen: () => console.log("ready") }, () => new Response("app"))`;
  await client.spawn([Deno.execPath(), "eval", server]).waitFor(/^ready$/);
  const get = ["curl", "-gsf", "--max-time", "3"];
  assert.equal((await lab.router.exec([...get, `http://${client.address.v4}:9000/`])).stdout, "app", "from the node");
  assert.equal((await lab.stranger.exec([...get, `http://${client.address.v4}:9000/`])).stdout, "app", "from a Pod");
  assert.equal((await lab.internet.exec([...get, "http://203.0.113.11:9000/"])).stdout, "app", "from the internet");
  using leaks = lab.captureDirect((packet) => from(client)(packet) && packet.sourcePort !== 9000);
  assert.equal(await client.fetchSourceAddress(), lab.gateway(0).vpnAddress.v4);
  leaks.assertNone();
});
