/** A VPN that stood before `pgw`, with rules that know nothing of the overlay, as gluetun's after a restart of `pgw`. */
import { labTests } from "./test.ts";
import { startClient, startGateway, untilOpen } from "./roles.ts";

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
