import assert from "node:assert/strict";
import { gatewayMac } from "../../../mod/addr/mac.ts";
import {
  formatGatewayInfo,
  type GatewayInfo,
  GatewayInfoError,
  parseGatewayInfo,
} from "../../../mod/role/gateway_info.ts";
import { ip, network4 } from "../netstate/fixtures.ts";

const permissions = "none";

const info: GatewayInfo = {
  podAddress: ip("10.42.1.6"),
  vxlan: {
    id: 3150,
    port: 4789,
    network: network4("172.29.0.0/24"),
    gateway: ip("172.29.0.1"),
    mac: gatewayMac(ip("172.29.0.1")),
    mtu: 1400,
  },
  condition: { instance: "0123456789abcdef".repeat(2), healthy: true, draining: false, full: false },
};

const text = `{
  "version": 1,
  "podAddress": "10.42.1.6",
  "vxlan": {
    "id": 3150,
    "port": 4789,
    "network": "172.29.0.0/24",
    "gateway": "172.29.0.1",
    "mac": "02:77:ac:1d:00:01",
    "mtu": 1400
  },
  "instance": "0123456789abcdef0123456789abcdef",
  "healthy": true,
  "draining": false,
  "full": false
}`;

Deno.test("a gateway's answer, as it is written and read", { permissions }, () => {
  assert.deepEqual(JSON.parse(formatGatewayInfo(info)), JSON.parse(text));
  assert.deepEqual(parseGatewayInfo(text), info);
});

Deno.test(
  "what a later version adds is no problem, and what it leaves out of the flags is false",
  { permissions },
  () => {
    const { healthy: _, ...rest } = { ...JSON.parse(text), version: 2, colour: "green" };
    assert.deepEqual(parseGatewayInfo(JSON.stringify(rest)), {
      ...info,
      condition: { ...info.condition, healthy: false },
    });
  },
);

/** A path into the answer, a value there, and what is said of it. */
const bad: readonly [path: string, value: unknown, message: RegExp][] = [
  ["podAddress", "10.42.1.6; reboot", /^podAddress: '10\.42\.1\.6; reboot' is not an IPv4 address/],
  ["podAddress", "2001:db8::1", /^podAddress: /],
  ["podAddress", ["10.42.1.6"], /^podAddress: \["10\.42\.1\.6"\] is not a text/],
  ["podAddress", undefined, /^podAddress: undefined is not a text/],
  ["vxlan", null, /^vxlan: it is not an object/],
  ["vxlan", "3150", /^vxlan: it is not an object/],
  ["vxlan.id", 0, /^vxlan\.id: 0 is not a whole number from 1 to 16777215/],
  ["vxlan.id", 16_777_216, /^vxlan\.id/],
  ["vxlan.id", "3150", /^vxlan\.id: "3150" is not/],
  ["vxlan.id", 1.5, /^vxlan\.id/],
  ["vxlan.port", 65_536, /^vxlan\.port/],
  ["vxlan.port", -1, /^vxlan\.port/],
  ["vxlan.mtu", 575, /^vxlan\.mtu/],
  ["vxlan.mtu", 1e9, /^vxlan\.mtu/],
  ["vxlan.network", "172.29.0.1/24", /^vxlan\.network: .*did you mean/],
  ["vxlan.network", "fd00::/64", /^vxlan\.network: 'fd00::\/64' is not an IPv4 network/],
  ["vxlan.gateway", "172.30.0.1", /^vxlan\.gateway: it is not in vxlan\.network/],
  ["vxlan.mac", "02:77:ac:1d:00", /^vxlan\.mac/],
  ["vxlan.mac", "02:77:ac:1d:00:01 dev eth0", /^vxlan\.mac/],
  ["instance", "0123", /^instance/],
  ["instance", "0123456789ABCDEF".repeat(2), /^instance/],
];

for (const [path, value, message] of bad) {
  Deno.test(`a gateway's answer with ${path} = ${JSON.stringify(value)} is refused`, { permissions }, () => {
    const answer = JSON.parse(text);
    const [outer = "", inner] = path.split(".");
    if (inner === undefined) answer[outer] = value;
    else answer[outer][inner] = value;
    assert.throws(
      () => parseGatewayInfo(JSON.stringify(answer)),
      (error) => error instanceof GatewayInfoError && message.test(error.message),
    );
  });
}

for (const body of ["", "10.42.1.6", "null", "[]", "{", '"x"', "1"]) {
  Deno.test(`'${body}' is no answer`, { permissions }, () => {
    assert.throws(() => parseGatewayInfo(body), GatewayInfoError);
  });
}
