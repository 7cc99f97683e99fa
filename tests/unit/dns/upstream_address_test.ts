import assert from "node:assert/strict";
import { AddressError } from "../../../mod/addr/address_error.ts";
import { formatUpstream, parseUpstream } from "../../../mod/dns/upstream_address.ts";

Deno.test("servers as settings name them", () => {
  const udp = (address: string, port = 53) => ({ transport: "udp", address, port });
  assert.deepEqual(parseUpstream("10.8.0.1"), udp("10.8.0.1"));
  assert.deepEqual(parseUpstream("10.8.0.1:5353"), udp("10.8.0.1", 5353));
  assert.deepEqual(parseUpstream("2001:DB8::0:1"), udp("2001:db8::1"));
  assert.deepEqual(parseUpstream("[2001:db8::1]:5353"), udp("2001:db8::1", 5353));
  const tls = { transport: "tls", serverName: "dns.example.com" };
  assert.deepEqual(parseUpstream("tls://10.8.0.1#dns.example.com"), { ...tls, address: "10.8.0.1", port: 853 });
  assert.deepEqual(parseUpstream("tls://[2001:db8::1]:8853#dns.example.com"), {
    ...tls,
    address: "2001:db8::1",
    port: 8853,
  });
});

Deno.test("their text comes back", () => {
  const texts = ["10.8.0.1", "10.8.0.1:5353", "2001:db8::1", "[2001:db8::1]:5353", "tls://10.8.0.1#a.example"];
  for (const text of [...texts, "tls://[2001:db8::1]#a.example", "tls://[2001:db8::1]:8853#a.example"]) {
    assert.equal(formatUpstream(parseUpstream(text)), text);
  }
});

Deno.test("what is no server is refused with its text", () => {
  const bad = ["", "dns.example.com", "10.8.0.256", "10.8.0.1:0", "10.8.0.1:65536", "10.8.0.1#name", "tls://10.8.0.1"];
  for (const text of [...bad, "[10.8.0.1", "fe80::1%eth0", "[2001:db8::1]5353", "http://10.8.0.1"]) {
    assert.throws(
      () => parseUpstream(text),
      (error) => error instanceof AddressError && error.message.includes(`'${text}'`),
    );
  }
});
