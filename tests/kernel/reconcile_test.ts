import assert from "node:assert/strict";
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { clientMac, gatewayMac } from "../../mod/addr/mac.ts";
import { parsePrefix } from "../../mod/addr/prefix.ts";
import { ConflictError } from "../../mod/errors.ts";
import { observeUplink, reconcile, removeAll, showApplied } from "../../mod/linux/reconcile.ts";
import { CommandRunner } from "../../mod/linux/runner.ts";
import { clientNetState, type ClientPhase, type Tunnel } from "../../mod/netstate/client.ts";
import type { NetState } from "../../mod/netstate/state.ts";
import { ip, kernelTest, podNetwork, sh } from "./namespace.ts";

const runner = new CommandRunner();
const config = {
  device: "vxlan3150",
  localCidrs: [parsePrefix("10.0.0.0/8")],
  nameservers: [parseIpv4("10.43.0.10")],
  redirectDns: true,
};
const tunnel: Tunnel = {
  remote: parseIpv4("10.42.0.6"),
  id: 3150,
  port: 4789,
  mtu: 1400,
  mac: clientMac(parseIpv4("10.42.0.5")),
  gateway: parseIpv4("172.29.0.1"),
  gatewayMac: gatewayMac(parseIpv4("172.29.0.1")),
};
const lease = { address: parseIpv4("172.29.0.20"), prefixLength: 24, expiresAt: 3_600_000 };

async function apply(view: ClientPhase): Promise<string[]> {
  const applied = await reconcile(runner, clientNetState(config, view, 0));
  return applied.map(showApplied);
}

kernelTest("a client's phases one after the other, each idempotent, and back", async () => {
  await podNetwork();
  const uplink = await observeUplink(runner);
  assert.equal(uplink.device, "eth0");
  const phases: ClientPhase[] = [
    { phase: "closed" },
    { phase: "discovering", uplink, candidates: [{ address: parseIpv4("10.42.0.6"), port: 80 }] },
    { phase: "leasing", uplink, tunnel },
    { phase: "verifying", uplink, tunnel, lease },
    { phase: "open", uplink, tunnel, lease },
    { phase: "discovering", uplink, candidates: [] },
  ];
  for (const view of phases) {
    const before = performance.now();
    const applied = await apply(view);
    console.log(view.phase, (performance.now() - before).toFixed(1), "ms", applied);
    assert.notDeepEqual(applied, []);
    assert.deepEqual(await apply(view), [], view.phase);
    assert.deepEqual(await observeUplink(runner), uplink, view.phase);
  }
});
