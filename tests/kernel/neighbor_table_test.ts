import assert from "node:assert/strict";
import { hostAddress, prefix4 } from "../../mod/addr/prefix.ts";
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { clientMac } from "../../mod/addr/mac.ts";
import { NeighborTable } from "../../mod/linux/neighbor_table.ts";
import { SocketError } from "../../mod/linux/socket_error.ts";
import { cable, ip, kernelTest } from "./namespace.ts";
import { device, frameFrom, overlay } from "./overlay.ts";

const network = prefix4(parseIpv4("172.29.0.0"), 16);

kernelTest("many neighbours are set at once, and set again to other places", async () => {
  await cable("left", "right");
  using table = new NeighborTable("left");
  for (let number = 1; number <= 1000; number++) table.set(hostAddress(network, number), clientMac(number));
  table.flush();
  const entries = async () => (await ip("neighbor show dev left nud permanent")).trim().split("\n");
  assert.equal((await entries()).length, 1000);
  assert((await entries()).some((line) => line.startsWith("172.29.3.232 lladdr 02:78:00:00:03:e8 ")));
  table.set(hostAddress(network, 1000), clientMac(1));
  table.flush();
  assert.equal((await entries()).length, 1000);
  assert((await entries()).some((line) => line.startsWith("172.29.3.232 lladdr 02:78:00:00:00:01 ")));
});

kernelTest("neighbours on a device that is not there, or is gone, are refused", async () => {
  const code = (expected: string) => (error: unknown) => error instanceof SocketError && error.code === expected;
  assert.throws(() => new NeighborTable("nowhere"), code("ENODEV"));
  await cable("left", "right");
  using table = new NeighborTable("left");
  await ip("link delete left");
  table.set(hostAddress(network, 1), clientMac(1));
  assert.throws(() => table.flush(), code("ENODEV"));
  table.flush();
});

kernelTest("a MAC that is pinned to its VTEP is not moved by another's frame, one that is not is", async () => {
  await overlay();
  using table = new NeighborTable(device);
  const [own, stranger] = [parseIpv4("10.42.0.11"), parseIpv4("10.42.0.31")];
  const mac = clientMac(own);
  const claim = () => frameFrom(mac, stranger);
  assert.equal(table.endOf(mac), undefined);
  await claim();
  assert.equal(table.endOf(mac), stranger, "the kernel learns");
  table.pin(mac, own);
  table.flush();
  assert.equal(table.endOf(mac), own);
  await claim();
  assert.equal(table.endOf(mac), own);
  table.unpin(mac, own);
  table.flush();
  assert.equal(table.endOf(mac), undefined);
});
