import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressError } from "../../../mod/addr/address_error.ts";
import { formatIpv4, fromOctets, isIpv4, parseIpv4, toOctets } from "../../../mod/addr/ipv4.ts";

const permissions = "none";

Deno.test("IPv4: text and number", { permissions }, () => {
  assert.equal(parseIpv4("172.29.0.1"), 0xac1d0001);
  assert.equal(parseIpv4("255.255.255.255"), 0xffffffff);
  assert.equal(parseIpv4("0.0.0.0"), 0);
  assert.equal(formatIpv4(0xc0a80001), "192.168.0.1");
});

for (
  const text of [
    "",
    "10.0.0",
    "10.0.0.0.0",
    "10.0.0.256",
    "10.0.0.01", // some parsers take it for octal
    "010.0.0.1",
    "10.0.0.-1",
    "10.0.0.1 ",
    " 10.0.0.1",
    "10.0.0.1\n",
    "10.0.0.1/32",
    "0x0a.0.0.1",
    "167772161",
    "10..0.1",
    "١0.0.0.1",
  ]
) {
  Deno.test(`IPv4: ${JSON.stringify(text)} is none`, { permissions }, () => {
    assert.equal(isIpv4(text), false);
    assert.throws(() => parseIpv4(text), AddressError);
  });
}

Deno.test("IPv4: what is written is read, as an unsigned number", { permissions }, () => {
  fc.assert(fc.property(fc.nat(0xffffffff), (address) => {
    assert.equal(parseIpv4(formatIpv4(address)), address);
    assert.equal(fromOctets(toOctets(address)), address);
  }));
});
