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
  for (const [rpFilter, number] of [["loose", 2], ["off", 0]] as const) {
    await setInterfaceSettings(netlink, { device: "eth0", rpFilter });
    assert.equal(await sysctl("rp_filter"), number);
    assert.equal((await interfaceSettings(netlink, "eth0")).rpFilter, number);
  }
  await setInterfaceSettings(netlink, { device: "eth0", forwarding: false, proxyArp: true });
  const { forwarding, proxyArp } = await interfaceSettings(netlink, "eth0");
  assert.deepEqual({ forwarding, proxyArp }, { forwarding: false, proxyArp: true });
  assert.equal((await interfaceSettings(netlink, "far")).forwarding, false);
});

kernelTest("the reverse path filter in force is the larger of the interface's and of that for all", async () => {
  await podNetwork();
  using netlink = new Netlink();
  for (
    const [all, own, isStrict] of [[0, 0, false], [0, 1, true], [1, 0, true], [2, 1, false], [1, 2, false]] as const
  ) {
    await sh(`sysctl -qw net.ipv4.conf.all.rp_filter=${all} net.ipv4.conf.eth0.rp_filter=${own}`);
    assert.equal((await interfaceSettings(netlink, "eth0")).isStrict, isStrict, `all ${all}, eth0 ${own}`);
  }
});

kernelTest("a device that is not there is told", async () => {
  using netlink = new Netlink();
  const missing = (error: unknown) => error instanceof SocketError && error.code === "ENODEV";
  await assert.rejects(setInterfaceSettings(netlink, { device: "nowhere", forwarding: true }), missing);
  await assert.rejects(interfaceSettings(netlink, "nowhere"), missing);
});
