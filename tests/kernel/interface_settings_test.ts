import assert from "node:assert/strict";
import { interfaceSettings, setInterfaceSettings } from "../../mod/linux/interface_settings.ts";
import { Netlink } from "../../mod/linux/netlink.ts";
import { SocketError } from "../../mod/linux/socket_error.ts";
import { kernelTest, podNetwork, sh } from "./namespace.ts";

kernelTest("settings of one interface are set and read, the other stays", async () => {
  await podNetwork();
  using netlink = new Netlink();
  // A new namespace's settings may be copies of the host's.
  await setInterfaceSettings(netlink, { device: "far", forwarding: false });
  const sysctl = async (name: string) => Number(await sh(`cat /proc/sys/net/ipv4/conf/eth0/${name}`));
  await setInterfaceSettings(netlink, { device: "eth0", forwarding: true, acceptLocal: true });
  assert.deepEqual([await sysctl("forwarding"), await sysctl("accept_local")], [1, 1]);
  await setInterfaceSettings(netlink, { device: "eth0", forwarding: false, proxyArp: true });
  const { forwarding, acceptLocal, proxyArp } = await interfaceSettings(netlink, "eth0");
  assert.deepEqual({ forwarding, acceptLocal, proxyArp }, { forwarding: false, acceptLocal: true, proxyArp: true });
  assert.equal((await interfaceSettings(netlink, "far")).forwarding, false);
});

kernelTest("reverse path filtering is off, or loose where it is strict for all interfaces", async () => {
  await podNetwork();
  using netlink = new Netlink();
  for (const [all, own, least] of [[0, 0, 0], [0, 1, 0], [0, 2, 0], [1, 0, 2], [1, 2, 2], [2, 1, 0]] as const) {
    await sh(`sysctl -qw net.ipv4.conf.all.rp_filter=${all} net.ipv4.conf.eth0.rp_filter=${own}`);
    const { isFiltered } = await interfaceSettings(netlink, "eth0");
    assert.equal(isFiltered, own !== least, `all ${all}, eth0 ${own}`);
    await setInterfaceSettings(netlink, { device: "eth0", rpFilter: "off" });
    assert.equal(Number(await sh("cat /proc/sys/net/ipv4/conf/eth0/rp_filter")), least, `all ${all}, eth0 ${own}`);
    assert.equal((await interfaceSettings(netlink, "eth0")).isFiltered, false);
  }
});

kernelTest("a device that is not there is told", async () => {
  using netlink = new Netlink();
  const missing = (error: unknown) => error instanceof SocketError && error.code === "ENODEV";
  await assert.rejects(setInterfaceSettings(netlink, { device: "nowhere", forwarding: true }), missing);
  await assert.rejects(interfaceSettings(netlink, "nowhere"), missing);
});
