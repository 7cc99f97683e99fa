import assert from "node:assert/strict";
import fc from "fast-check";
import { AddressError } from "../../../mod/addr/address_error.ts";
import { formatIpv6, isIpv6, parseIpv6 } from "../../../mod/addr/ipv6.ts";

const permissions = "none";

/** RFC 5952 section 4: what is written for what is read. */
const canonical: readonly [read: string, written: string][] = [
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:DB8::1", "2001:db8::1"],
  ["2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"], // one group is not shortened (4.2.2)
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"], // the longest run (4.2.3)
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"], // the first of equals
  ["::ffff:192.0.2.1", "::ffff:c000:201"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ["fe80:0:0:0:0:0:0:0", "fe80::"],
];

for (const [read, written] of canonical) {
  Deno.test(`IPv6: ${read} is ${written}`, { permissions }, () => {
    assert.equal(formatIpv6(parseIpv6(read)), written);
  });
}

for (
  const text of [
    "",
    ":",
    ":::",
    "1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "12345::",
    "g::",
    "fe80::1%eth0",
    "::1/128",
    "::1 ",
    "1.2.3.4::",
    "::1.2.3",
    "::1.2.3.4.5",
    "::1.2.3.256",
    "1:2:3:4:5:6:7:1.2.3.4",
    ":1::2",
    "1::2:",
  ]
) {
  Deno.test(`IPv6: ${JSON.stringify(text)} is none`, { permissions }, () => {
    assert.equal(isIpv6(text), false);
    assert.throws(() => parseIpv6(text), AddressError);
  });
}

Deno.test("IPv6: what is written is read", { permissions }, () => {
  fc.assert(fc.property(fc.bigInt(0n, (1n << 128n) - 1n), (address) => {
    assert.equal(parseIpv6(formatIpv6(address)), address);
  }));
  // Runs of zeros.
  fc.assert(fc.property(fc.array(fc.constantFrom(0n, 0n, 1n, 0xffffn), { minLength: 8, maxLength: 8 }), (groups) => {
    const address = groups.reduce<bigint>((sum, group) => (sum << 16n) | group, 0n);
    const text = formatIpv6(address);
    assert.equal(parseIpv6(text), address);
    assert.equal(text, new URL(`http://[${text}]/`).hostname.slice(1, -1));
  }));
});
