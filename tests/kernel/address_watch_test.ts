import assert from "node:assert/strict";
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { formatMac, parseMac } from "../../mod/addr/mac.ts";
import { AddressWatch } from "../../mod/linux/address_watch.ts";
import { cable, ip, kernelTest } from "./namespace.ts";

const own = "02:78:0a:2a:00:05";
const gateway = "02:77:ac:1d:00:01";
const address = parseIpv4("172.29.0.20");

/** What the kernel notes when an ARP packet of `mac` says that it has `claimed`. */
async function claim(claimed: string, mac: string, device = "tunnel"): Promise<void> {
  await ip(`neighbor replace ${claimed} lladdr ${mac} dev ${device} nud stale`);
}

kernelTest("a claim of the watched address is told, with whose it is; others' and known hosts' are not", async () => {
  await cable("tunnel", "far");
  using watch = AddressWatch.open("tunnel", [own, gateway].map(parseMac));
  watch.watch(address);
  await ip("address add 172.29.0.20/24 dev tunnel");
  // The kernel does not ask itself: it would say that it has an address that the Pod has elsewhere.
  assert.doesNotMatch(await ip("neighbor show dev tunnel"), /INCOMPLETE|FAILED|STALE|REACHABLE/);
  const next = watch.next();
  await claim("172.29.0.21", "02:00:00:00:00:61");
  await claim("172.29.0.20", "02:00:00:00:00:62", "far");
  await claim("172.29.0.20", own);
  await claim("172.29.0.20", gateway);
  await claim("172.29.0.20", "02:00:00:00:00:66");
  const found = await next;
  assert.equal(found?.address, address);
  assert.equal(formatMac(found.mac), "02:00:00:00:00:66");
  // Asked again, it is not known already.
  watch.watch(address);
  const again = watch.next();
  await claim("172.29.0.20", "02:00:00:00:00:66");
  assert.equal(formatMac((await again)!.mac), "02:00:00:00:00:66");
});

kernelTest("there is no such device any more", async () => {
  await cable("tunnel", "far");
  using watch = AddressWatch.open("tunnel", []);
  await ip("link delete tunnel");
  assert.throws(() => watch.watch(address), { code: "ENODEV" });
});
