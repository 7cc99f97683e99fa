import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { broadcastMac, parseMac } from "../../../mod/addr/mac.ts";
import { encodeArpProbe } from "../../../mod/wire/arp.ts";
import { decodeEthernet, etherTypes } from "../../../mod/wire/ethernet.ts";

Deno.test("arp: a probe is what arping -D sends (RFC 5227 section 2.1.1)", () => {
  const mac = parseMac("02:78:0a:2a:00:05");
  const { source, destination, etherType, payload } = decodeEthernet(encodeArpProbe(mac, parseIpv4("172.29.0.20")));
  assert.deepEqual([source, destination, etherType], [mac, broadcastMac, etherTypes.arp]);
  const [head, sender, target] = ["0001080006040001", "02780a2a0005" + "00000000", "000000000000" + "ac1d0014"];
  assert.equal(payload.toHex(), head + sender + target);
});
