import assert from "node:assert/strict";
import { formatIpv4, type Ipv4, parseIpv4 } from "../../mod/addr/ipv4.ts";
import { clientMac, formatMac, type Mac } from "../../mod/addr/mac.ts";
import { NeighborTable } from "../../mod/linux/neighbor_table.ts";
import { type Host, OverlayHosts } from "../../mod/linux/overlay_hosts.ts";
import { ip, kernelTest } from "./namespace.ts";
import { device, frameFrom, overlay } from "./overlay.ts";

const pods = ["10.42.0.11", "10.42.0.12", "10.42.0.13"].map(parseIpv4);
const [end, otherEnd, thirdEnd] = pods as [Ipv4, Ipv4, Ipv4];
const mac = clientMac(end);
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const show = (hosts: readonly Host[] | undefined) =>
  hosts?.map(({ address, mac }) => `${formatIpv4(address)} ${formatMac(mac)}`).sort();

/** An entry of the ARP table, which a gateway makes with a lease (permanent) or the kernel learns (reachable). */
function arp(address: string, mac: Mac, state: "permanent" | "reachable"): Promise<string> {
  return ip(`neighbor replace ${address} lladdr ${formatMac(mac)} dev ${device} nud ${state}`);
}

kernelTest(
  "how long ago a frame came is what the FDB says, whether the MAC is pinned to its place or learned",
  async () => {
    await overlay();
    using hosts = new OverlayHosts(device);
    using table = new NeighborTable(device);
    const age = async () => (await hosts.lastSeen([mac]))[0] ?? Infinity;
    const isSeenNow = async () => {
      const from = performance.now();
      await frameFrom(mac, end);
      const found = await age();
      // Hundredths of a second, rounded.
      assert(found <= performance.now() - from + 20, `a frame that just came is ${found} ms old`);
    };
    assert.equal(await age(), Infinity);
    await isSeenNow();
    for (const place of ["learned", "pinned"]) {
      if (place === "pinned") {
        table.pin(mac, end);
        table.flush();
        await isSeenNow();
      }
      await wait(400);
      assert(await age() >= 380, place);
      await isSeenNow();
    }
    assert.deepEqual((await hosts.lastSeen([clientMac(otherEnd), mac])).map((found) => found === undefined), [
      true,
      false,
    ]);
  },
);

kernelTest("known are those of the ARP table from whom frames came, learned those whom ARP has learned", async () => {
  await overlay();
  using hosts = new OverlayHosts(device);
  assert.deepEqual(await hosts.known(), []);
  await arp("172.29.0.20", mac, "permanent");
  await arp("172.29.0.21", clientMac(otherEnd), "permanent");
  await frameFrom(mac, end);
  await frameFrom(clientMac(thirdEnd), thirdEnd);
  assert.deepEqual(show(await hosts.known()), ["172.29.0.20 02:78:0a:2a:00:0b"]);
  // Permanent entries are the gateway's own.
  const learned = hosts.learned();
  await arp("172.29.0.22", clientMac(otherEnd), "permanent");
  await arp("172.29.0.23", clientMac(thirdEnd), "reachable");
  assert.deepEqual(show(await learned), ["172.29.0.23 02:78:0a:2a:00:0d"]);
});
