/** The gateway's own policy: what its Pod may send around the VPN, and what clients are kept from. */
import assert from "node:assert/strict";
import type { GatewayPod } from "./gateway_pod.ts";
import { type Lab, names, outsideTunnel } from "./lab.ts";
import type { Packet } from "./packet.ts";
import type { Process } from "./process.ts";
import { scriptCommand } from "./program.ts";
import { assertSeesProbes, totalTried } from "./prober.ts";
import { says, sleep, startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet, internetDomain, routerAddress, serviceAddress } from "./topology.ts";

const labTest = labTests();
/** Here a Pod has no on-link route that would take clients' packets around the tunnel. */
const routedLabTest = labTests({ cni: "calico" });
const direct = "203.0.113.21";
/** Where the VPN connects to in some tests: the internet's own address on the direct way. */
const server = internet.direct.v4;
const web = `http://${internet.web.v4}/`;

labTest(
  "PGW_VPN_ENDPOINT: nothing of the gateway Pod's own leaves around the VPN but to it, from before the VPN is there",
  async (lab) => {
    const gateway = lab.gateway(0);
    using leaks = gateway.captureUplink((packet) =>
      outsideTunnel(packet) && !isWeb(packet) && packet.sourcePort !== 8080
    );
    await gateway.disconnectVpn();
    await assertSeesProbes(leaks, gateway); // the positive control
    await startWithoutVpn(gateway, { PGW_VPN_ENDPOINT: `vpn.${internetDomain}:80/tcp` });
    await sleep(200);
    leaks.clear();
    const app = await gateway.probe();
    await sleep(500);
    assert.equal(await gateway.fetchSourceAddress(), direct, "a VPN connects to its endpoint, found by its name");
    await gateway.connectVpn();
    await sleep(500);
    assert.equal(await gateway.fetchSourceAddress(), gateway.vpnAddress.v4, "by the VPN all is well");
    await gateway.disconnectVpn();
    await sleep(500);
    assert.equal(await gateway.fetchSourceAddress(`http://${names.web}/`), routerAddress.v4, "the cluster is there");
    assert.equal(await askFromFar(lab, gateway), internet.direct.v4, "connections from outside are answered");
    const sent = totalTried(await app.stop());
    leaks.assertNone();
    console.log(`    0 of ${sent} probes leaked`);
  },
);

labTest(
  "without PGW_VPN_ENDPOINT the VPN's routes show its connection, and all else is let out only while they do not",
  async (lab) => {
    const gateway = lab.gateway(0);
    using leaks = gateway.captureUplink((packet) => outsideTunnel(packet) && packet.destination !== server);
    await lab.internet.spawn(scriptCommand("web_main.ts", "80", server)).waitFor(/^ready$/);
    const pgw = await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
    assert.equal(pgw.logs.some(says("the VPN's connection is seen")), false, "a VPN that shows nothing is left alone");
    // As OpenVPN does it (redirect-gateway def1): its server by the Pod's router, the world in two halves.
    await gateway.ip(`route add ${server}/32 via ${routerAddress.v4} dev eth0`);
    await pgw.waitForLog(says("the VPN's connection is seen"));
    await sleep(500);
    leaks.clear();
    const app = await gateway.probe();
    // Somebody's route leads around the VPN: the rules stand behind it.
    await gateway.ip(`route add 203.0.113.48/28 via ${routerAddress.v4} dev eth0`, "route add 224.0.0.0/4 dev eth0");
    await sleep(500);
    assert.equal(await gateway.fetchSourceAddress(`http://${server}/`), direct, "the VPN's own connection goes on");
    await app.stop();
    leaks.assertNone(({ family }) => family !== 6);
    const lines = pgw.lines.length;
    await gateway.disconnectVpn();
    await gateway.ip(`route delete ${server}/32`);
    await pgw.waitForLog(says("the VPN's routes are gone"), { from: lines });
    // It looks for another server now, which nobody knows.
    await gateway.waitForSourceAddress(direct);
  },
);

labTest("a VPN that marks its packets, as WireGuard does, is known by its mark", async (lab) => {
  const gateway = lab.gateway(0);
  await gateway.disconnectVpn();
  const pgw = await startWithoutVpn(gateway);
  await gateway.ip(
    "link set vpn0 up",
    `route add default dev vpn0 src ${gateway.vpnAddress.v4} table 51820`,
    "rule add not fwmark 0xca6c table 51820",
    "rule add table main suppress_prefixlength 0",
  );
  await pgw.waitForLog(says("the VPN's connection is seen"));
  await sleep(500);
  const ping = async (...options: string[]) =>
    (await gateway.exec(["ping", "-c1", "-W1", ...options, internet.dns.v4], { check: false })).code === 0;
  using seen = gateway.captureUplink((packet) => packet.protocol === 1 && packet.destination === internet.dns.v4);
  assert.equal(await ping("-m", String(0xca6c)), true);
  assert.equal(seen.packets().length, 1, "the mark leads around the VPN");
  seen.clear();
  assert.equal(await ping("-I", "eth0"), false, "and nothing else does");
  seen.assertNone();
});

/** From the gateway or the client, by way of the gateway, as a client that routes nothing around the tunnel. */
async function reachedByClient(lab: Lab, isolation: "on" | "off"): Promise<string[]> {
  const [client, other, gateway] = [lab.client(0), lab.client(1), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await startGateway(gateway, { PGW_CLIENT_ISOLATION: isolation, PGW_NODE_ADDRESS: "203.0.113.2" });
  await gateway.ip("route delete 0.0.0.0/1", "route delete 128.0.0.0/1"); // no VPN: the Pod's own routes decide
  await lab.router.exec(["sh", "-c", "ip addr show dev lo | grep -q 169.254 || ip addr add 169.254.169.254/32 dev lo"]);
  const [one, two] = [client, other].map((pod) => startClient(pod, { PGW_LOCAL_CIDRS: "none" }));
  await Promise.all([untilOpen(one!), untilOpen(two!)]);
  const { stdout } = await other.exec(["ip", "-br", "-4", "addr", "show", "vxlan3150"]);
  const leased = /172\.29\.0\.\d+/.exec(stdout)![0];
  const targets = {
    "another client": leased,
    "the gateway's port, by the overlay": "172.29.0.1",
    "the gateway's port, by the VPN's address": gateway.vpnAddress.v4,
    "the node": "203.0.113.2",
    metadata: "169.254.169.254",
    "the cluster": serviceAddress.web,
  };
  for (const [pod, addresses] of [[other, [leased]], [gateway, ["172.29.0.1", gateway.vpnAddress.v4]]] as const) {
    await pod.spawn(scriptCommand("web_main.ts", "8080", ...addresses)).waitFor(/^ready$/);
  }
  const server = lab.router.spawn(
    scriptCommand("web_main.ts", "8080", "203.0.113.2", "169.254.169.254"),
  );
  await server.waitFor(/^ready$/);
  try {
    const reached = await Promise.all(
      Object.entries(targets).map(async ([name, address]) => {
        const port = name === "the cluster" ? 80 : 8080;
        return await client.fetchSourceAddress(`http://${address}:${port}/`) === undefined ? [] : [name];
      }),
    );
    return reached.flat();
  } finally {
    await server.stop("SIGKILL");
  }
}

routedLabTest(
  "clients reach neither the gateway's ports, nor its node, nor the cloud's metadata, nor each other",
  async (lab) => {
    assert.deepEqual(await reachedByClient(lab, "on"), ["the cluster"]);
  },
);

routedLabTest("PGW_CLIENT_ISOLATION=off lets them", async (lab) => {
  const reached = await reachedByClient(lab, "off");
  assert.equal(reached.length, 6, `only ${reached.join(", ")}`);
});

labTest("PGW_SNAT_ADDRESS: clients are seen with that address", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await lab.internet.ip(`route replace 203.0.113.111 via ${gateway.vpnAddress.v4} dev vpn-gateway0 onlink`);
  await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0", PGW_SNAT_ADDRESS: "203.0.113.111" });
  await untilOpen(startClient(client));
  assert.equal(await client.fetchSourceAddress(web), "203.0.113.111");
});

/** A gateway whose VPN is not there yet. */
async function startWithoutVpn(gateway: GatewayPod, env: Readonly<Record<string, string>> = {}): Promise<Process> {
  const pgw = gateway.pgw(["gateway", "run"], { env: { PGW_VPN_INTERFACE: "vpn0", ...env } });
  await pgw.waitForLog(says("clients cannot get out"));
  return pgw;
}

/** What a web server in `pod` sees of a client in the internet, far from PGW_LOCAL_CIDRS. */
async function askFromFar(lab: Lab, pod: GatewayPod): Promise<string> {
  await pod.spawn(scriptCommand("web_main.ts", "8080", pod.address.v4)).waitFor(/^ready$/);
  return (await lab.internet.exec(["curl", "-sS", "--max-time", "3", `http://${direct}:8080/`])).stdout.trim();
}

function isWeb({ destination, destinationPort }: Packet): boolean {
  return destination === internet.web.v4 && destinationPort === 80;
}

labTest("whoever is at the VPN's other end does not reach the cluster through the gateway", async (lab) => {
  const gateway = lab.gateway(0);
  await lab.internet.ip(`route replace ${serviceAddress.web} via ${gateway.vpnAddress.v4} dev vpn-gateway0 onlink`);
  const reaches = async () => {
    const curl = ["curl", "-sS", "--max-time", "2", "--interface", internet.web.v4, `http://${serviceAddress.web}/`];
    return (await lab.internet.exec(curl, { check: false })).code === 0;
  };
  try {
    const open = await startGateway(gateway);
    assert.equal(await reaches(), true, "the positive control: without the VPN's name nothing can be told apart");
    await open.stop();
    await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
    assert.equal(await reaches(), false);
  } finally {
    await lab.internet.ip(`route delete ${serviceAddress.web}`);
  }
});

labTest("whoever is at the VPN's other end neither joins the overlay nor reads who is in it", async (lab) => {
  const gateway = lab.gateway(0);
  const mac = "02:00:00:00:00:66";
  const remote = `remote ${gateway.vpnAddress.v4} local ${internet.web.v4}`;
  await lab.internet.ip(
    `link add intruder type vxlan id 3150 dstport 4789 ${remote} nolearning`,
    `link set intruder address ${mac} up`,
    "addr add 172.29.0.66/24 dev intruder",
  );
  const reads = async () => {
    const curl = ["curl", "-sS", "--max-time", "2", `http://${gateway.vpnAddress.v4}:3150/v1/leases`];
    return (await lab.internet.exec(curl, { check: false })).stdout.includes("leases");
  };
  const joins = async () => {
    await lab.internet.exec(["ping", "-c1", "-W1", "-I", "intruder", "172.29.0.1"], { check: false });
    return (await gateway.exec(["bridge", "fdb", "show", "dev", "vxlan3150"])).stdout.includes(mac);
  };
  try {
    const open = await startGateway(gateway);
    assert.deepEqual([await reads(), await joins()], [true, true], "the positive control: without the VPN's name");
    await open.stop();
    await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
    assert.deepEqual([await reads(), await joins()], [false, false]);
  } finally {
    await lab.internet.ip("link delete intruder");
  }
});
