import assert from "node:assert/strict";
import {
  type GatewayConfig,
  type GatewayEvent,
  startGateway,
  stepGateway,
  unreadyReason,
} from "../../../mod/role/gateway.ts";
import { gatewayConfig, uplink } from "../netstate/fixtures.ts";

const config: GatewayConfig = { mode: "run", drainMs: 1_000, net: gatewayConfig };

/** Why the gateway is not ready after `events`, a second apart. */
function reasonAfter(...events: GatewayEvent[]): string | undefined {
  const last = events.reduce((step, event, at) => stepGateway(config, step.state, event, 1_000 * at), startGateway());
  return unreadyReason(last.state);
}

const observed: GatewayEvent = { kind: "observed", pod: { uplink, interfaces: ["eth0"] } };
const serving: readonly GatewayEvent[] = [observed, { kind: "applied" }, { kind: "served" }];

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
