import assert from "node:assert/strict";
import { KernelMonitor } from "../../mod/linux/kernel_monitor.ts";
import { CommandRunner } from "../../mod/linux/runner.ts";
import { ip, kernelTest, podNetwork, sh } from "./namespace.ts";

const runner = new CommandRunner();

kernelTest("changes of links, addresses and routes are told, many at once", async () => {
  await podNetwork();
  using monitor = KernelMonitor.open("network");
  const first = monitor.next();
  await ip("address add 10.42.0.9/32 dev eth0");
  assert.ok((await first)?.has("address"));
  await ip("link set eth0 mtu 1400", "-6 route delete default", "route delete default");
  const changes = await monitor.next();
  assert.ok(changes?.has("link"));
  assert.ok(changes?.has("route"));
});

kernelTest("more changes than the kernel keeps for us are changes of everything", async () => {
  await podNetwork();
  using monitor = KernelMonitor.open("network");
  for (let i = 0; i < 10; i++) {
    const routes = Array.from({ length: 250 }, (_, j) => `203.0.113.${j}/32 dev eth0`);
    const batch = (verb: string) => routes.map((route) => `route ${verb} ${route}\n`).join("");
    await runner.run(["ip", "-batch", "-"], batch("add") + batch("delete"));
  }
  assert.deepEqual(await monitor.next(), new Set(["link", "address", "route"]));
});

kernelTest("close ends the wait", async () => {
  const monitor = KernelMonitor.open("network");
  const pending = monitor.next();
  monitor.close();
  monitor.close();
  assert.equal(await pending, undefined);
});

kernelTest("who changes the firewall of iptables-nft is told, that it is listed is not", async () => {
  const restore = (text: string) => runner.run(["iptables-nft-restore", "--noflush"], text);
  await restore("*filter\n:PGW-OUTPUT - [0:0]\n-A PGW-OUTPUT -j DROP\nCOMMIT\n");
  using monitor = KernelMonitor.open("firewall");
  assert.match(await restore("*filter\n-S -v\nCOMMIT\n"), /PGW-OUTPUT/);
  await sh("iptables-nft -F");
  assert.deepEqual(await monitor.next(), new Set(["firewall"]));
  await restore("*filter\n-A PGW-OUTPUT -j DROP\nCOMMIT\n");
  assert.deepEqual(await monitor.next(), new Set(["restored"]));
});
