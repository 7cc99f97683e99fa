import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressError } from "../../../mod/addr/address_error.ts";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import {
  broadcastAddress,
  contains,
  everything4,
  everything6,
  formatPrefix,
  hostAddress,
  mask4,
  networkAddress,
  overlaps,
  parsePrefix,
  type Prefix4,
  prefix4,
} from "../../../mod/addr/prefix.ts";

const permissions = "none";

function network(text: string): Prefix4 {
  const prefix = parsePrefix(text);
  assert(prefix.family === 4);
  return prefix;
}

Deno.test("prefix: text of both families", { permissions }, () => {
  for (const text of ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "2001:db8::/32", "::/0", "::1/128"]) {
    assert.equal(formatPrefix(parsePrefix(text)), text);
  }
  assert.equal(formatPrefix(parsePrefix("192.0.2.1")), "192.0.2.1/32");
  assert.equal(formatPrefix(parsePrefix("2001:DB8::1")), "2001:db8::1/128");
  assert.deepEqual(parsePrefix("0.0.0.0/0"), everything4);
  assert.deepEqual(parsePrefix("::/0"), everything6);
});

for (
  const text of ["", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8/8", "10/8", "::/129"]
) {
  Deno.test(`prefix: '${text}' is none`, { permissions }, () => {
    assert.throws(() => parsePrefix(text), AddressError);
  });
}

Deno.test("prefix: bits behind the length are a mistake, and the message says what was meant", { permissions }, () => {
  assert.throws(() => parsePrefix("10.1.2.3/8"), /did you mean 10\.0\.0\.0\/8\?/);
  assert.throws(() => parsePrefix("2001:db8::1/32"), /did you mean 2001:db8::\/32\?/);
});

Deno.test("prefix: masks, ends and hosts, at the lengths where signed shifts go wrong", { permissions }, () => {
  assert.deepEqual([0, 1, 24, 31, 32].map(mask4), [0, 0x80000000, 0xffffff00, 0xfffffffe, 0xffffffff]);
  assert.equal(networkAddress(network("192.168.1.0/24")), parseIpv4("192.168.1.0"));
  assert.equal(broadcastAddress(network("192.168.1.0/24")), parseIpv4("192.168.1.255"));
  assert.equal(broadcastAddress(everything4), 0xffffffff);
  assert.equal(broadcastAddress(network("192.0.2.1/32")), parseIpv4("192.0.2.1"));
  assert.equal(hostAddress(network("172.29.0.0/24"), 1), parseIpv4("172.29.0.1"));
  assert.equal(hostAddress(network("255.255.255.0/24"), 255), 0xffffffff);
});

const prefixes = fc.tuple(fc.nat(0xffffffff), fc.nat(32)).map(([address, length]) => prefix4(address, length));

Deno.test("prefix: it contains its ends and nothing beyond", { permissions }, () => {
  fc.assert(fc.property(prefixes, (prefix) => {
    const [first, last] = [networkAddress(prefix), broadcastAddress(prefix)];
    assert(contains(prefix, first) && contains(prefix, last));
    assert(first === 0 || !contains(prefix, first - 1));
    assert(last === 0xffffffff || !contains(prefix, last + 1));
    assert.deepEqual(parsePrefix(formatPrefix(prefix)), prefix);
  }));
});

Deno.test("prefix: two overlap where one holds an end of the other, whichever comes first", { permissions }, () => {
  fc.assert(fc.property(prefixes, prefixes, (a, b) => {
    const shares = contains(a, b.address) || contains(b, a.address);
    assert.equal(overlaps(a, b), shares);
    assert.equal(overlaps(b, a), shares);
  }));
  assert(overlaps(parsePrefix("2001:db8::/32"), parsePrefix("2001:db8:1::/48")));
  assert(!overlaps(parsePrefix("2001:db8::/48"), parsePrefix("2001:db8:1::/48")));
  assert(overlaps(everything6, parsePrefix("fd00::/8")));
  assert(!overlaps(everything4, everything6));
});
