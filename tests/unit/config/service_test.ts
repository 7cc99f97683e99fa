import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { parseIpv6 } from "../../../mod/addr/ipv6.ts";
import { formatService, parseService } from "../../../mod/config/service.ts";
import { ValueError } from "../../../mod/config/value_error.ts";

const v6 = { kind: "address", family: 6, address: parseIpv6("2001:db8::7") };

const accepted: readonly [string, unknown][] = [
  ["gateway", { kind: "name", name: "gateway", port: 80, path: "/" }],
  ["JP.expressvpn.cluster.local.", { kind: "name", name: "jp.expressvpn.cluster.local.", port: 80, path: "/" }],
  ["my_gateway:3150", { kind: "name", name: "my_gateway", port: 3150, path: "/" }],
  ["10.43.0.7", { kind: "address", family: 4, address: parseIpv4("10.43.0.7"), port: 80, path: "/" }],
  ["10.43.0.7:8080", { kind: "address", family: 4, address: parseIpv4("10.43.0.7"), port: 8080, path: "/" }],
  ["2001:db8::7", { ...v6, port: 80, path: "/" }],
  ["[2001:db8::7]", { ...v6, port: 80, path: "/" }],
  ["[2001:DB8::7]:65535", { ...v6, port: 65535, path: "/" }],
  ["http://gateway.vpn", { kind: "name", name: "gateway.vpn", port: 80, path: "/" }],
  ["HTTP://[2001:db8::7]:81/ip?v=4", { ...v6, port: 81, path: "/ip?v=4" }],
];

for (const [text, expected] of accepted) {
  Deno.test(`'${text}' is a service`, () => assert.deepEqual(parseService(text), expected));
}

const refused: readonly [string, RegExp][] = [
  ["https://gateway", /speaks http, not https/],
  ["gateway:0", /port must be 1 to 65535/],
  ["gateway:65536", /port must be 1 to 65535/],
  ["gateway:", /port must be 1 to 65535/],
  ["gateway:80a", /port must be 1 to 65535/],
  ["gateway:080", /port must be 1 to 65535/],
  ["gate way", /is not a host name/],
  ["-gateway", /is not a host name/],
  ["gateway..vpn", /is not a host name/],
  [`${"a".repeat(64)}.vpn`, /is not a host name/],
  ["a.".repeat(127) + "aa", /is not a host name/],
  ["10.43.0.256", /does not end in a number/],
  ["10.43.7", /does not end in a number/],
  ["0.0.0.0", /not the address of a host/],
  ["224.0.0.1:80", /not the address of a host/],
  ["255.255.255.255", /not the address of a host/],
  ["::", /not the address of a host/],
  ["ff02::1", /not the address of a host/],
  ["[10.43.0.7]:80", /between brackets/],
  ["[2001:db8::7", /is not a host name|port must be/],
  ["fe80::1%eth0", /is not a host name|port must be/],
  ["http://user@gateway", /is not a host name/],
  ["http://gateway#top", /characters that a URL has not/],
  ["http://gateway/a b", /characters that a URL has not/],
  ["http://gateway/\r\nHost: x", /characters that a URL has not/],
  ["gateway/path", /is not a host name/],
  ["http://", /is not a host name/],
];

for (const [text, message] of refused) {
  Deno.test(`${JSON.stringify(text)} is no service`, () => {
    assert.throws(() => parseService(text), (error) => error instanceof ValueError && message.test(error.message));
  });
}

Deno.test("a service is written as a user would write it", () => {
  for (const text of ["gateway.vpn", "gateway.vpn:8080", "10.43.0.7", "[2001:db8::7]:8080"]) {
    assert.equal(formatService(parseService(text)), text);
  }
  assert.equal(formatService(parseService("http://gateway:80/x")), "gateway/x");
});
