import assert from "node:assert/strict";
import { LinkMonitor } from "../../mod/linux/link_monitor.ts";
import { CommandRunner } from "../../mod/linux/runner.ts";
import { ip, kernelTest, podNetwork } from "./namespace.ts";

const runner = new CommandRunner();

kernelTest("changes of links, addresses and routes are told, many at once", async () => {
  await podNetwork();
  using monitor = LinkMonitor.open();
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
  using monitor = LinkMonitor.open();
  for (let i = 0; i < 10; i++) {
    const routes = Array.from({ length: 250 }, (_, j) => `203.0.113.${j}/32 dev eth0`);
    const batch = (verb: string) => routes.map((route) => `route ${verb} ${route}\n`).join("");
    await runner.run(["ip", "-batch", "-"], batch("add") + batch("delete"));
  }
  assert.deepEqual(await monitor.next(), new Set(["route", "link", "address"]));
});

kernelTest("close ends the wait", async () => {
  const monitor = LinkMonitor.open();
  const pending = monitor.next();
  monitor.close();
  monitor.close();
  assert.equal(await pending, undefined);
});
