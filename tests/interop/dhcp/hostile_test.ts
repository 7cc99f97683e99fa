/** Our client where somebody in the tunnel wants harm: routes of its choice, a second server, an address taken twice. */
import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { clientMac, gatewayMac } from "../../../mod/addr/mac.ts";
import { encodeDhcp } from "../../../mod/wire/dhcpv4.ts";
import { from, outsideTunnel } from "../../lab/lab.ts";
import { inject, udpFrame } from "../../lab/overlay_frames.ts";
import { assertSeesProbes } from "../../lab/prober.ts";
import { says, sleep, startClient, startGateway, untilClosed, untilOpen } from "../../lab/roles.ts";
import { labTests } from "../../lab/test.ts";
import { internet, routerAddress } from "../../lab/topology.ts";
import { parse } from "../../scenario/dhcp_text.ts";
import { startSeedGateway } from "../seed_gateway.ts";
import { device, Dialogue } from "./dialogue.ts";
import { addressesOf, connect, withPods } from "./pods.ts";
import { installScript } from "./programs.ts";
import { servers } from "./servers.ts";

const labTest = labTests();

/** TunnelVision (CVE-2024-3661): routes by DHCP that are more specific than the tunnel's. */
labTest("routes by DHCP move no traffic: options 3, 33, 121 and 249", async (lab) => {
  const [client, victim, gateway] = [lab.client(0), lab.client(1), lab.gateway(0)];
  const local = lab.stranger.address.v4;
  const routes = `${internet.web.v4}/32,${routerAddress.v4},${local}/32,172.29.0.1`;
  const hostile = [`121,${routes}`, `249,${routes}`, `33,${internet.web.v4},${routerAddress.v4}`, "3,172.29.0.66"];
  await lab.setEndpoints([0]);
  await startSeedGateway(gateway, [
    "--dhcp-range=172.29.0.20,172.29.0.99,12h",
    "--no-ping",
    "--dhcp-leasefile=/run/dnsmasq.leases",
    ...hostile.map((option) => `--dhcp-option-force=${option}`),
  ]);

  using around = lab.captureDirect(from(victim, client));
  using control = lab.captureDirect(from(lab.stranger));
  await assertSeesProbes(control, lab.stranger);
  const isToLocal = (source: string) => (packet: { source: string; destination: string }) =>
    packet.source === source && packet.destination === local;
  using inTunnel = gateway.capture(device);

  // A client that does as it is told: what was to go through the tunnel goes around it, and the other way round.
  await connect(victim, gateway.address.v4);
  await installScript(victim, "obedient-script", obedient);
  await victim.exec(["udhcpc", "-i", device, "-n", "-q", "-O", "121", "-O", "249", "-s", "/run/obedient-script"]);
  await victim.exec(["ping", "-c1", "-W1", local], { check: false });
  await victim.fetchSourceAddress();
  const [own] = await addressesOf(victim);
  await around.waitFor(({ source, destination }) =>
    from(victim)({ source } as never) && destination === internet.web.v4
  );
  await inTunnel.waitFor(isToLocal(own!.replace(/\/.*/, "")));

  around.clear();
  using uplink = client.captureUplink(outsideTunnel);
  const pgw = startClient(client);
  const { address } = await untilOpen(pgw) as { address: string };
  const app = await client.probe();
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
  await client.exec(["ping", "-c1", "-W1", local]);
  await sleep(1_000);
  await app.stop();
  uplink.assertNone();
  around.assertNone();
  inTunnel.assertNone(isToLocal(address));
});

labTest("a second server in the tunnel is not obeyed, and the log tells of it", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await startGateway(gateway, { PGW_DHCP_RENEWAL_TIME: "2", PGW_DHCP_POOL: "20-97" });
  // It hears whatever goes to the gateway, and answers from an address of its own.
  const other = await servers.dhcpd.start(gateway, "server-identifier 172.29.0.66;\n");
  const pgw = startClient(client);
  const { address } = await untilOpen(pgw) as { address: string };
  await other.waitFor(new RegExp(`^DHCPACK on ${address}`));
  await pgw.waitForLog(
    says("a DHCP answer of 172.29.0.66 is ignored: it is not the server that was chosen, 172.29.0.1"),
  );
  const { stdout } = await gateway.exec(["curl", "-sf", "http://127.0.0.1:3150/v1/leases"]);
  assert.ok(stdout.includes(`"address":"${address}"`), stdout);
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
});

labTest("a second server is told of before there is an address: an offer, and a refusal", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await startGateway(gateway);
  // The gateway itself hears nothing; this one listens below the firewall.
  const deaf = "PREROUTING -i vxlan3150 -p udp --dport 67 -j DROP";
  await gateway.iptables(4, `*raw\n-A ${deaf}\nCOMMIT\n`);
  await servers.dhcpd.start(gateway, "server-identifier 172.29.0.66;\n");
  const pgw = startClient(client);
  const toldOf = (server: string) =>
    says(`a DHCP answer of ${server} is ignored: it is not the server that was chosen`);
  await pgw.waitForLog(toldOf("172.29.0.66"));
  const mac = clientMac(parseIpv4(client.address.v4));
  const refusal = encodeDhcp(parse("DHCPNAK server=172.29.0.67", { op: 2, xid: 1, chaddr: mac }));
  const ours = gatewayMac(parseIpv4("172.29.0.1"));
  await inject(gateway, client, udpFrame(mac, ours, ["172.29.0.67", 67], ["255.255.255.255", 68], refusal));
  await pgw.waitForLog(toldOf("172.29.0.67"));
  // It was sent thirty times, and the offers go on.
  for (const server of ["172.29.0.66", "172.29.0.67"]) assert.equal(pgw.logs.filter(toldOf(server)).length, 1);
  assert.deepEqual(await addressesOf(client), []);
  await gateway.iptables(4, `*raw\n-D ${deaf}\nCOMMIT\n`);
  await untilOpen(pgw);
});

labTest("an address that another host has is declined: at the start, and whenever one claims it", async (lab) => {
  await withPods(lab, ["dhcpd"], async ({ dhcpd: gateway }) => {
    const client = lab.client(0);
    await startSeedGateway(gateway, []);
    await servers.dhcpd.start(gateway);
    using dialogue = new Dialogue(gateway);
    // The first that the server gives.
    await gateway.ip(`address add 172.29.0.99/32 dev ${device}`);
    const pgw = startClient(client, {}, ["client", "run", `${gateway.address.v4}:3150`]);
    await dialogue.waitFor({ type: "DECLINE", requested: "172.29.0.99", server: "172.29.0.1" });
    const { address } = await untilOpen(pgw) as { address: string };
    assert.notEqual(address, "172.29.0.99");
    assert.deepEqual(await addressesOf(client), [`${address}/24`]);

    const lines = pgw.lines.length;
    // What is broadcast there goes to this client.
    const flood = ["fdb", "append", "00:00:00:00:00:00", "dev", device, "dst", client.address.v4];
    await gateway.exec(["bridge", ...flood]);
    await gateway.sysctl("net.ipv4.ip_nonlocal_bind=1"); // arping insists on an address of its own
    await gateway.exec(["busybox", "arping", "-A", "-c", "1", "-I", device, address], { check: false });
    const closed = await untilClosed(pgw, lines);
    assert.match(String(closed.reason), new RegExp(`^the leased address ${address} is used by another host, `));
    await dialogue.waitFor({ type: "DECLINE", requested: address });
  });
});

for (const device of ["net1", "eth0"]) {
  labTest(`an address that the Pod itself has, on ${device}, is declined`, async (lab) => {
    const [client, gateway] = [lab.client(0), lab.gateway(0)];
    await startSeedGateway(gateway, []);
    await servers.dhcpd.start(gateway);
    using dialogue = new Dialogue(gateway);
    await client.ip("link add net1 type veth peer name net1p", "link set net1 up");
    // The first that the server gives.
    await client.ip(`address add 172.29.0.99/32 dev ${device}`);
    const pgw = startClient(client, {}, ["client", "run", `${gateway.address.v4}:3150`]);
    const { address } = await untilOpen(pgw) as { address: string };
    assert.notEqual(address, "172.29.0.99");
    assert.deepEqual(await addressesOf(client), [`${address}/24`]);
    await dialogue.waitFor({ type: "DECLINE", requested: "172.29.0.99", server: "172.29.0.1" });
  });
}

const obedient = `#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr replace "$ip/$mask" dev "$interface"
set -- $staticroutes
while [ $# -gt 1 ]; do ip route replace "$1" via "$2"; shift 2; done
`;
