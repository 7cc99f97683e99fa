import assert from "node:assert/strict";
import { parsePrefix } from "../../../mod/addr/prefix.ts";
import { checkInterface, checkLocalCidrs, checkOverlay, type NetworkFacts } from "../../../mod/doctor/networks.ts";
import { ip, network4, overlay, uplink } from "../netstate/fixtures.ts";

const facts: NetworkFacts = {
  uplink,
  overlay,
  localCidrs: [parsePrefix("10.0.0.0/8"), parsePrefix("fd00::/8")],
  cluster: [
    { what: "the API server's Service", address: ip("10.43.0.1") },
    { what: "a nameserver of the cluster", address: ip("169.254.20.10") },
  ],
};

Deno.test("doctor: the interface leaves 50 bytes less, and that must be enough", () => {
  assert.equal(checkInterface({ ...uplink, mtu: 1330 }).outcome, "ok");
  const small = checkInterface({ ...uplink, mtu: 1329 });
  assert.equal(small.outcome, "problem");
  assert.match(small.remedy ?? "", /1330/);
});

Deno.test("doctor: an overlay network that holds a cluster address, or meets a route, is named with both", () => {
  assert.equal(checkOverlay(facts).outcome, "ok");
  const clash = checkOverlay({ ...facts, overlay: network4("10.43.0.0/24") });
  assert.match(clash.detail, /10\.43\.0\.0\/24 clashes with the API server's Service, 10\.43\.0\.1$/);
  assert.match(
    checkOverlay({ ...facts, overlay: network4("10.42.0.64/28") }).detail,
    /the route of eth0 to 10\.42\.0\.0\/24/,
  );
  const bridge = ip("172.29.0.99");
  assert.match(
    checkOverlay({ ...facts, uplink: { ...uplink, ownAddresses: [uplink.address, bridge] } }).detail,
    /172\.29\.0\.0\/24 clashes with the Pod's own address, 172\.29\.0\.99$/,
  );
});

Deno.test("doctor: a cluster network outside PGW_LOCAL_CIDRS is told, a node-local nameserver is not", () => {
  assert.equal(checkLocalCidrs(facts).outcome, "ok");
  const outside = checkLocalCidrs({ ...facts, localCidrs: [parsePrefix("10.42.0.0/16")] });
  assert.equal(outside.outcome, "problem");
  assert.match(outside.detail, /the API server's Service, 10\.43\.0\.1,/);
  assert.match(outside.remedy ?? "", /10\.43\.0\.0\/16/);
});
