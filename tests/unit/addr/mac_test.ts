import assert from "node:assert/strict";
import { AddressError } from "../../../mod/addr/address_error.ts";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { broadcastMac, clientMac, formatMac, gatewayMac, parseMac } from "../../../mod/addr/mac.ts";

const permissions = "none";

Deno.test("MAC: text in any case, written in lower", { permissions }, () => {
  assert.equal(formatMac(parseMac("02:77:AC:1d:00:01")), "02:77:ac:1d:00:01");
  assert.equal(formatMac(broadcastMac), "ff:ff:ff:ff:ff:ff");
});

for (
  const text of [
    "",
    "02:77:ac:1d:00",
    "02:77:ac:1d:00:01:02",
    "02-77-ac-1d-00-01",
    "2:77:ac:1d:0:1",
    "02:77:ac:1d:00:0g",
    "02:77:ac:1d:00:01\n",
  ]
) {
  Deno.test(`MAC: ${JSON.stringify(text)} is none`, { permissions }, () => {
    assert.throws(() => parseMac(text), AddressError);
  });
}

Deno.test("MAC: those of gateways and clients are functions of an address, unicast and locally administered", {
  permissions,
}, () => {
  const address = parseIpv4("172.29.0.1");
  assert.equal(formatMac(gatewayMac(address)), "02:77:ac:1d:00:01");
  assert.equal(formatMac(clientMac(parseIpv4("255.0.0.9"))), "02:78:ff:00:00:09");
  assert.notDeepEqual(gatewayMac(address), clientMac(address));
  for (const mac of [gatewayMac(address), clientMac(address)]) assert.equal(mac[0]! & 0b11, 0b10);
});
