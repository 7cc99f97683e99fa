import assert from "node:assert/strict";
import { parsePrefix } from "../../../mod/addr/prefix.ts";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import {
  type GatewayConfig,
  type GatewayEvent,
  startGateway,
  stepGateway,
  unreadyReason,
} from "../../../mod/role/gateway.ts";

const network = parsePrefix("172.29.0.0/24");
assert(network.family === 4);
const config: GatewayConfig = {
  mode: "run",
  drainMs: 1_000,
  net: {
    device: "vxlan3150",
    id: 3150,
    port: 4789,
    network,
    address: parseIpv4("172.29.0.1"),
    httpPort: 3150,
    aroundVpn: [],
  },
};
const uplink = { device: "eth0", mtu: 1500, address: parseIpv4("10.42.0.5"), addresses6: [], routes: [] };

/** Why the gateway is not ready after `events`, a second apart. */
function reasonAfter(...events: GatewayEvent[]): string | undefined {
  const last = events.reduce((step, event, at) => stepGateway(config, step.state, event, 1_000 * at), startGateway());
  return unreadyReason(last.state);
}

const observed: GatewayEvent = { kind: "observed", pod: { uplink, interfaces: ["eth0"] } };
const serving: readonly GatewayEvent[] = [observed, { kind: "applied" }];

Deno.test(
  "a gateway is ready when the kernel holds its network, and as long as it does",
  { permissions: "none" },
  () => {
    assert.equal(reasonAfter(observed), "its network does not stand yet");
    assert.equal(reasonAfter(...serving), undefined);
    assert.equal(reasonAfter(...serving, { kind: "applyFailed", reason: "no lock" }), "no lock");
    assert.equal(reasonAfter(...serving, { kind: "applyFailed", reason: "no lock" }, { kind: "applied" }), undefined);
    assert.equal(reasonAfter(...serving, { kind: "stop" }), "it is about to stop");
  },
);
