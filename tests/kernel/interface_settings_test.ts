import assert from "node:assert/strict";
import { interfaceSettings, setInterfaceSettings } from "../../mod/linux/interface_settings.ts";
import { Netlink } from "../../mod/linux/netlink.ts";
import { SocketError } from "../../mod/linux/socket_error.ts";
import { kernelTest, podNetwork, sh } from "./namespace.ts";

kernelTest("forwarding and rp_filter of one interface are set and read, the other stays", async () => {
  await podNetwork();
  using netlink = new Netlink();
  // A new namespace's settings may be copies of the host's.
  await setInterfaceSettings(netlink, { device: "far", forwarding: false });
  const sysctl = async (name: string) => Number(await sh(`cat /proc/sys/net/ipv4/conf/eth0/${name}`));
  await setInterfaceSettings(netlink, { device: "eth0", forwarding: true });
  assert.equal(await sysctl("forwarding"), 1);
  for (const rpFilter of [2, 1, 0] as const) {
    await setInterfaceSettings(netlink, { device: "eth0", rpFilter });
    assert.equal(await sysctl("rp_filter"), rpFilter);
    assert.deepEqual(await interfaceSettings(netlink, "eth0"), { forwarding: true, rpFilter, proxyArp: false });
  }
  await setInterfaceSettings(netlink, { device: "eth0", forwarding: false, rpFilter: 2, proxyArp: true });
  assert.deepEqual(await interfaceSettings(netlink, "eth0"), { forwarding: false, rpFilter: 2, proxyArp: true });
  assert.deepEqual((await interfaceSettings(netlink, "far")).forwarding, false);
});

kernelTest("a device that is not there is told", async () => {
  using netlink = new Netlink();
  const missing = (error: unknown) => error instanceof SocketError && error.code === "ENODEV";
  await assert.rejects(setInterfaceSettings(netlink, { device: "nowhere", forwarding: true }), missing);
  await assert.rejects(interfaceSettings(netlink, "nowhere"), missing);
});
