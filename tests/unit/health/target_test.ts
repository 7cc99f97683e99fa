import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { parseHealthTarget } from "../../../mod/health/target.ts";

Deno.test("targets are what they say", () => {
  const address = parseIpv4("203.0.113.1");
  assert.deepEqual(parseHealthTarget("icmp://203.0.113.1"), { kind: "icmp", address });
  assert.deepEqual(parseHealthTarget("tcp://203.0.113.1:443"), { kind: "tcp", address, port: 443 });
  assert.deepEqual(parseHealthTarget("dns://203.0.113.1"), { kind: "dns", address, port: 53 });
  assert.deepEqual(parseHealthTarget("dns://203.0.113.1:5353"), { kind: "dns", address, port: 5353 });
});

Deno.test("whatever else is refused, with what to write", () => {
  for (
    const text of [
      "203.0.113.1",
      "icmp://203.0.113.1:7",
      "tcp://203.0.113.1",
      "tcp://203.0.113.1:65536",
      "tcp://203.0.113.256:80",
      "dns://203.0.113.1:0",
      "dns://one.test",
      "http://203.0.113.1",
      "icmp://203.0.113.1/",
      "",
    ]
  ) assert.throws(() => parseHealthTarget(text), /cannot be asked .* write icmp:/, text);
});
