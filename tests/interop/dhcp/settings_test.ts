/** What the PGW_DHCP_ settings say is what a client is told, in a network of another size; and on the tunnel's device alone. */
import assert from "node:assert/strict";
import { eventually, sleep, startGateway } from "../../lab/roles.ts";
import { labTests } from "../../lab/test.ts";
import { device } from "./dialogue.ts";
import { connect, withPods } from "./pods.ts";
import { installScript } from "./programs.ts";

const labTest = labTests();
const settings = {
  PGW_VXLAN_IP_NETWORK: "172.20.8.0/29",
  PGW_DHCP_POOL: "4-5",
  PGW_DHCP_LEASE_TIME: "600",
  PGW_DHCP_RENEWAL_TIME: "100",
  PGW_DHCP_REBINDING_TIME: "200",
  PGW_DHCP_ROUTER: "172.20.8.2",
  PGW_DHCP_DNS: "172.20.8.3",
  PGW_DHCP_DOMAIN: "lan.example",
  PGW_DHCP_SEARCH: "a.example,b.example",
  PGW_DHCP_MTU: "1200",
  PGW_DHCP_NTP: "172.20.8.6",
  PGW_DHCP_OPTIONS: "66,boot.lan",
};
const told = {
  subnet: "255.255.255.248",
  lease: "600",
  router: "172.20.8.2",
  dns: "172.20.8.3",
  domain: "lan.example",
  search: "a.example b.example",
  mtu: "1200",
  ntpsrv: "172.20.8.6",
  tftp: "boot.lan",
  opt58: "00000064",
  opt59: "000000c8",
};
/** udhcpc hands its script all that it was told. */
const script = `#!/bin/sh
[ "$1" = bound ] && env > "/run/told-$interface"
exit 0
`;

labTest("what the settings say is what clients are told, on the tunnel's device and no other", async (lab) => {
  const gateway = lab.gateway(0);
  await startGateway(gateway, settings);
  await withPods(lab, ["client"], async ({ client }) => {
    await connect(client, gateway.address.v4);
    await installScript(client, "script", script);
    using outside = gateway.capture(
      "eth0",
      ({ protocol, destinationPort }) => protocol === 17 && [67, 68].includes(destinationPort),
    );
    const options = ["router", "dns", "domain", "search", "mtu", "ntpsrv", "tftp", "58", "59"];
    const ask = (on: string) =>
      client.spawn(["udhcpc", "-f", "-i", on, "-s", "/run/script", ...options.flatMap((name) => ["-O", name])]);
    ask("eth0");
    await outside.waitFor(({ direction }) => direction === "in");
    ask(device);
    const text = await eventually(
      "a lease",
      () => Deno.readTextFile(`${client.runDirectory}/told-${device}`).catch(() => undefined),
    );
    const variables = Object.fromEntries(text.split("\n").map((line) => line.split("=", 2)));
    for (const [name, value] of Object.entries(told)) assert.equal(variables[name], value, name);
    assert.match(variables.ip, /^172\.20\.8\.[45]$/);
    await sleep(1_000); // The other one has asked again meanwhile.
    outside.assertNone(({ direction }) => direction === "out");
    const { stdout } = await gateway.exec(["curl", "-sf", "http://127.0.0.1:3150/v1/leases"]);
    assert.equal(JSON.parse(stdout).leases.length, 1);
  });
});
