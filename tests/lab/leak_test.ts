/** Nothing leaks: probes of all kinds from an app, through every phase of the main job, with a positive control. */
import assert from "node:assert/strict";
import { from, type Lab, outsideTunnel } from "./lab.ts";
import { assertSeesProbes, totalTried } from "./prober.ts";
import { eventually, sleep, startClient, startGateway, untilClosed, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet } from "./topology.ts";

for (const cni of ["bridge", "ptp", "calico"] as const) {
  const labTest = labTests({ cni });

  labTest("no packet of an app leaves but through the tunnel, whatever happens", async (lab) => {
    const client = lab.client(0);
    const [one, other] = [lab.gateway(0), lab.gateway(1)];
    using uplink = client.captureUplink(outsideTunnel);
    using direct = lab.captureDirect(from(client, one, other));
    await positiveControl(lab);
    await lab.setEndpoints([]);

    const app = await client.probe();
    let pgw = startClient(client);
    await eventually("closed", async () => (await client.exec(["iptables", "-S"])).stdout.includes("-j PGW-OUTPUT"));
    await sleep(200); // IPv6's rules, and the routes
    const before = { uplink: uplink.packets().length, dns: probesAtClusterDns(lab) };
    uplink.clear();
    direct.clear();
    const check = (phase: string) => {
      try {
        uplink.assertNone();
        direct.assertNone();
        assert.equal(probesAtClusterDns(lab), before.dns, "DNS questions of the app went to the cluster's server");
      } catch (error) {
        throw new Error(phase, { cause: error });
      }
    };

    await sleep(1_000);
    check("no gateway");

    for (const gateway of [one, other]) {
      await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
      gateway.setResolvConf(`nameserver ${internet.dns.v4}\n`); // else apps' questions go by the cluster's DNS, as configured
    }
    await sleep(500);
    await lab.setEndpoints([0]);
    await untilOpen(pgw);
    await sleep(500);
    check("connected and open");

    let lines = pgw.lines.length;
    await one.setCable("down");
    await untilClosed(pgw, lines);
    await lab.setEndpoints([1]);
    await untilOpen(pgw, lines);
    check("gateway lost, moved to another");

    await other.disconnectVpn();
    await sleep(1_000);
    check("the VPN is down");
    await other.connectVpn();
    await client.waitForSourceAddress(other.vpnAddress.v4, undefined, 20_000);
    check("the VPN is up again");

    await pgw.stop("SIGKILL");
    await sleep(500);
    check("client killed");
    pgw = startClient(client);
    await untilOpen(pgw);
    lines = pgw.lines.length;
    await client.ip("link delete vxlan3150");
    await sleep(500);
    check("interface deleted by hand");
    await client.waitForSourceAddress(other.vpnAddress.v4, undefined, 30_000);
    await pgw.stop("SIGTERM");
    await sleep(500);
    check("client stopped");

    const sent = totalTried(await app.stop());
    console.log(`    0 of ${sent} probes leaked; ${before.uplink} packets left before the first rules stood`);
  }, { timeoutMs: 120_000 });
}

labTests()("a UDP flow that an app had before the client came does not go on around the tunnel", async (lab) => {
  // The kernel tracks no connections in a Pod before its first rule that asks for them: what the server still sends is
  // the first packet of the flow that it sees, and looks like a new flow from outside.
  const client = lab.client(0);
  await lab.setEndpoints([]);
  const server = `const socket = Deno.listenDatagram({ transport: "udp", hostname: "${internet.web.v4}", port: 7008 });
    const [, peer] = await socket.receive();
    for (let i = 0; i < 1500; i++, await new Promise((r) => setTimeout(r, 20))) await socket.send(new Uint8Array(9), peer);`;
  const app = `const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
    const to = { transport: "udp", hostname: "${internet.web.v4}", port: 7008 };
    for (;; await new Promise((r) => setTimeout(r, 20))) await socket.send(new Uint8Array(9), to).catch(() => {});`;
  lab.internet.spawn([Deno.execPath(), "eval", "--unstable-net", server]);
  using flow = client.captureUplink((packet) => packet.destinationPort === 7008);
  client.spawn([Deno.execPath(), "eval", "--unstable-net", app]);
  await flow.waitFor(() => true); // the positive control
  startClient(client);
  await eventually("closed", async () => (await client.exec(["iptables", "-S"])).stdout.includes("-j PGW-OUTPUT"));
  await sleep(200);
  flow.clear();
  await sleep(1_000);
  flow.assertNone();
});

async function positiveControl(lab: Lab): Promise<void> {
  using uplink = lab.stranger.captureUplink(outsideTunnel);
  using direct = lab.captureDirect(from(lab.stranger));
  await assertSeesProbes(uplink, lab.stranger);
  await assertSeesProbes(direct, lab.stranger);
}

function probesAtClusterDns(lab: Lab): number {
  return lab.cluster.dnsQueries().filter(({ name }) => name.startsWith("pgw-probe-clusterdns-")).length;
}
