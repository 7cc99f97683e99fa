/** Routes and rules of a VPN that know nothing of the overlay: `pgw` finds them, or they come while it runs. */
import assert from "node:assert/strict";
import type { GatewayPod } from "./gateway_pod.ts";
import { labTests } from "./test.ts";
import { says, startClient, startGateway, untilOpen } from "./roles.ts";
import { routerAddress } from "./topology.ts";

const labTest = labTests();
/** The mark of gluetun's own packets, and its table. */
const mark = 51820;

labTest("what a VPN's rules from before lead into it: not the answers to clients", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  // In `main` it has no routes; in the lab as it is they would be in the way.
  await gateway.ip(
    "route delete 0.0.0.0/1",
    "route delete 128.0.0.0/1",
    `route add default dev vpn0 src ${gateway.vpnAddress.v4} table ${mark}`,
    "rule add to 10.42.0.0/24 lookup main priority 98",
    "rule add to 10.0.0.0/8 lookup main priority 99",
    `rule add not fwmark ${mark} lookup ${mark} priority 101`,
  );
  await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
  await untilOpen(startClient(client));
  await client.waitForSourceAddress(gateway.vpnAddress.v4);
});

/** What the tunnel is on. */
async function underlay(gateway: GatewayPod): Promise<string | undefined> {
  const { stdout } = await gateway.exec(["ip", "-d", "link", "show", "vxlan3150"]);
  return /local (\S+ dev \S+)/.exec(stdout)?.[1];
}

/** As openconnect does it, and OpenVPN's redirect-gateway without def1. */
async function replaceDefault(gateway: GatewayPod): Promise<void> {
  await gateway.ip(
    "route delete 0.0.0.0/1",
    "route delete 128.0.0.0/1",
    `route replace default dev vpn0 src ${gateway.vpnAddress.v4}`,
  );
}

for (const when of ["before", "while"] as const) {
  labTest(
    `a VPN that replaces the default route ${when} pgw runs is not taken for the Pod's own interface`,
    async (lab) => {
      const [client, gateway] = [lab.client(0), lab.gateway(0)];
      await lab.setEndpoints([0]);
      // Without it the Pod's own interface has no default route at all.
      await gateway.exec(["ip", "-6", "route", "delete", "default"]);
      if (when === "before") await replaceDefault(gateway);
      const pgw = await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
      if (when === "while") {
        await replaceDefault(gateway);
        // It goes and comes back, with the only default route that there is.
        await gateway.disconnectVpn();
        await pgw.waitForLog(says("clients cannot get out: the VPN interface 'vpn0' is down"));
        await gateway.ip("link set vpn0 up", `route add default dev vpn0 src ${gateway.vpnAddress.v4}`);
        await pgw.waitForLog(says("clients can get out again"));
      }
      assert.equal(await underlay(gateway), `${gateway.address.v4} dev eth0`);
      await untilOpen(startClient(client));
      await client.waitForSourceAddress(gateway.vpnAddress.v4);
    },
  );
}

labTest("nor is one whose default route has the better metric", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await replaceDefault(gateway);
  await gateway.ip(`route add default via ${routerAddress.v4} dev eth0 metric 100`);
  await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
  assert.equal(await underlay(gateway), `${gateway.address.v4} dev eth0`);
  await untilOpen(startClient(client));
  await client.waitForSourceAddress(gateway.vpnAddress.v4);
});
