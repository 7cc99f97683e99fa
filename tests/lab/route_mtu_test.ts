/** A Pod network that encapsulates, and says so on the Pod's routes alone: the interface's MTU stays 1500 (Cilium). */
import assert from "node:assert/strict";
import type { Lab } from "./lab.ts";
import { startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet, routerAddress, serviceAddress } from "./topology.ts";

const labTest = labTests({ cni: "ptp" });
const routeMtu = 1_400;
const size = 1_000_000;

labTest("what the Pod's routes say fits is what is sent, to local networks and through the tunnel", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  const way = `via ${routerAddress.v4} dev eth0 mtu ${routeMtu}`;
  for (const pod of [client, gateway]) {
    await pod.ip("link set eth0 gso_max_segs 1", "route delete 10.42.0.0/24", `route change default ${way}`);
  }
  await gateway.ip(`route change 10.0.0.0/8 ${way}`);
  await client.exec(["sh", "-c", `head -c ${size} /dev/zero > /run/upload`]);
  await carryLess(lab, "-A");
  try {
    assert.equal(await upload(lab, serviceAddress.web), size, "before");
    await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
    await untilOpen(startClient(client));
    assert.equal(await upload(lab, serviceAddress.web), size, "to a local network");
    assert.equal(await upload(lab, internet.web.v4), size, "through the tunnel");
    assert.match((await client.exec(["ip", "link", "show", "vxlan3150"])).stdout, / mtu 1350 /);
    assert.match((await gateway.exec(["ip", "link", "show", "vxlan3150"])).stdout, / mtu 1350 /);
  } finally {
    await carryLess(lab, "-D");
  }
});

/** The network drops what is too big for it, and nobody is told. */
async function carryLess(lab: Lab, action: "-A" | "-D"): Promise<void> {
  const rules = ["client0", "gateway0"].map((from) =>
    `${action} PREROUTING -i ${from} -m length --length ${routeMtu + 1}:65535 -j DROP\n`
  );
  await lab.router.iptables(4, `*raw\n${rules.join("")}COMMIT\n`);
}

/** The bytes that the server at `address` got. */
async function upload(lab: Lab, address: string): Promise<number> {
  const curl = ["curl", "-sS", "--max-time", "5", "-T", "/run/upload", `http://${address}/`];
  return Number((await lab.client(0).exec(curl, { check: false })).stdout);
}
