/**
 * Which side hears of which name, on the wire: whatever becomes of the upstreams, the gateway and the VPN, no name from
 * outside goes to the cluster's side, and none of the cluster's through the VPN.
 *
 * Some 2,000 names; more by PGW_TEST_DNS_NAMES=10000.
 */
import assert from "node:assert/strict";
import { nameAt } from "./dns/message.ts";
import type { Packet } from "./packet.ts";
import { scriptCommand } from "./program.ts";
import { eventually, sleep, startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet, serviceAddress } from "./topology.ts";

const labTest = labTests();
const count = Number(Deno.env.get("PGW_TEST_DNS_NAMES") ?? 2_000);
const gatewayAddress = "172.29.0.1";
const vpnAlone = `nameserver ${internet.dns.v4}\n`;
const vpnAndCluster = `search test.svc.cluster.local svc.cluster.local cluster.local
nameserver ${internet.dns.v4}
nameserver ${serviceAddress.dns}
`;

/** The name in a question that leaves for port 53, in lower case; undefined: it is none. */
function nameIn({ destinationPort, protocol, payload }: Packet): string | undefined {
  if (destinationPort !== 53) return undefined;
  const at = protocol === 6 ? 14 : 12;
  if (payload.length <= at) return undefined;
  return nameAt(payload, at);
}

const isOfCluster = (name: string) => name.endsWith(".cluster.local") || name.endsWith(".10.in-addr.arpa");

labTest(
  `${count} names, while upstreams change, the VPN is lost and the gateway is killed: each at its side`,
  async (lab) => {
    const [gateway, client] = [lab.gateway(0), lab.client(0)];
    using uplink = gateway.captureUplink((packet) => nameIn(packet) !== undefined);
    using vpn = gateway.captureVpn((packet) => nameIn(packet) !== undefined);
    const names = (capture: typeof uplink) => capture.packets().map((packet) => nameIn(packet)!);
    const leaks = () => [...names(uplink).filter((name) => !isOfCluster(name)), ...names(vpn).filter(isOfCluster)];

    // The positive control: a question at the wrong side is seen, by UDP and by TCP.
    const ask = (server: string, ...args: string[]) =>
      gateway.exec(["dig", `@${server}`, "+tries=1", "+time=1", ...args]);
    await ask(serviceAddress.dns, "control.example.test");
    await ask(serviceAddress.dns, "+tcp", "stream.example.test");
    await ask(internet.dns.v4, "control.svc.cluster.local");
    await eventually("the control is seen", () => Promise.resolve(leaks().length >= 3));
    assert.deepEqual([...new Set(leaks())].sort(), [
      "control.example.test",
      "control.svc.cluster.local",
      "stream.example.test",
    ]);
    uplink.clear();
    vpn.clear();

    await lab.setEndpoints([0]);
    let pgw = await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
    await untilOpen(startClient(client));
    const app = client.spawn(scriptCommand("dns/mixed_main.ts", gatewayAddress, String(count)));
    const events: readonly (() => void | Promise<unknown>)[] = [
      () => gateway.setResolvConf(vpnAlone),
      () => gateway.setResolvConf(""),
      () => gateway.setResolvConf(vpnAlone.slice(0, 15)),
      () => gateway.setResolvConf(vpnAndCluster),
      () => gateway.disconnectVpn(),
      () => gateway.connectVpn(),
      () => gateway.setVpnSilent(true),
      () => gateway.setVpnSilent(false),
      async () => {
        await pgw.stop("SIGKILL");
        pgw = await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
      },
      () => gateway.setResolvConf(vpnAlone),
      async () => {
        await pgw.stop("SIGKILL");
        pgw = await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
      },
    ];
    for (let round = 0; app.status === undefined || round < events.length; round++) {
      await events[round % events.length]!();
      await sleep(400);
      assert.deepEqual(leaks(), [], `after event ${round % events.length}`);
    }
    await sleep(500);
    const [atCluster, atVpn] = [names(uplink).length, names(vpn).length];
    assert.deepEqual(leaks(), []);
    assert.ok(
      atCluster > count / 20 && atVpn > count / 20,
      `${atCluster} at the cluster's side, ${atVpn} at the VPN's`,
    );
    console.log(`    ${atCluster} questions at the cluster's side, ${atVpn} at the VPN's, none at the wrong one`);
  },
  { timeoutMs: 60_000 + count * 20 },
);
