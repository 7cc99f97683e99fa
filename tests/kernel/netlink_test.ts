import assert from "node:assert/strict";
import { interfaceSettings, setInterfaceSettings } from "../../mod/linux/netlink.ts";
import { SocketError } from "../../mod/linux/socket_error.ts";
import { kernelTest, podNetwork, sh } from "./namespace.ts";

kernelTest("forwarding and rp_filter of one interface are set and read, the other stays", async () => {
  await podNetwork();
  // A new namespace's settings may be copies of the host's.
  setInterfaceSettings({ device: "far", forwarding: false });
  const sysctl = async (name: string) => Number(await sh(`cat /proc/sys/net/ipv4/conf/eth0/${name}`));
  setInterfaceSettings({ device: "eth0", forwarding: true });
  assert.equal(await sysctl("forwarding"), 1);
  for (const rpFilter of [2, 1, 0] as const) {
    setInterfaceSettings({ device: "eth0", rpFilter });
    assert.equal(await sysctl("rp_filter"), rpFilter);
    assert.deepEqual(interfaceSettings("eth0"), { forwarding: true, rpFilter });
  }
  setInterfaceSettings({ device: "eth0", forwarding: false, rpFilter: 2 });
  assert.deepEqual(interfaceSettings("eth0"), { forwarding: false, rpFilter: 2 });
  assert.deepEqual(interfaceSettings("far").forwarding, false);
});

kernelTest("a device that is not there is told", () => {
  const missing = (error: unknown) => error instanceof SocketError && error.code === "ENODEV";
  assert.throws(() => setInterfaceSettings({ device: "nowhere", forwarding: true }), missing);
  assert.throws(() => interfaceSettings("nowhere"), missing);
  return Promise.resolve();
});
