/** Nothing leaks: a part of `deno task leak` that ends soon, each phase with one kind of Pod network. */
import assert from "node:assert/strict";
import { nft } from "../leak/iptables.ts";
import type { Phase } from "../leak/phase.ts";
import * as client from "../leak/phases_of_client.ts";
import * as gateway from "../leak/phases_of_gateway.ts";
import * as hands from "../leak/phases_of_hands.ts";
import * as start from "../leak/phases_of_start.ts";
import { leaksOf, runPhases, totalSent } from "../leak/run.ts";
import { eventually, sleep, startClient } from "./roles.ts";
import { labTests } from "./test.ts";
import { type Cni, internet } from "./topology.ts";

const [noGateway, , , silentGateway] = start.slowStart as [Phase, Phase, Phase, Phase];

const phases: Readonly<Record<Cni, readonly Phase[]>> = {
  bridge: [noGateway, start.connect, gateway.moved, gateway.vpnDown, hands.flushed, client.killed, client.stopped],
  ptp: [start.connect, client.killedAtRandom, hands.deviceDeleted, hands.routed, client.upgraded, client.outOfMemory],
  calico: [silentGateway, start.connect, gateway.drained, client.paused, client.clockJumped, hands.resolvConfRewritten],
};

for (const cni of ["bridge", "ptp", "calico"] as const) {
  labTests({ cni })("no packet of an app leaves but through the tunnel, whatever happens", async (lab) => {
    const effort = { dwellMs: 400, kills: 6, random: Math.random };
    const result = await runPhases(lab, phases[cni], effort, nft);
    assert.deepEqual(leaksOf(result), []);
    console.log(
      `    0 of ${totalSent(result)} probes leaked; ${result.before} packets left before the first rules stood`,
    );
  }, { timeoutMs: 120_000 });
}

labTests()("a UDP flow that an app had before the client came does not go on around the tunnel", async (lab) => {
  // The kernel tracks no connections in a Pod before its first rule that asks for them: what the server still sends is
  // the first packet of the flow that it sees, and looks like a new flow from outside.
  const client = lab.client(0);
  await lab.setEndpoints([]);
  const server = `const socket = Deno.listenDatagram({ transport: "udp", hostname: "${internet.web.v4}", port: 7008 });
    const [, peer] = await socket.receive();
    for (let i = 0; i < 1500; i++, await new Promise((r) => setTimeout(r, 20))) await socket.send(new Uint8Array(9), peer);`;
  const app = `const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
    const to = { transport: "udp", hostname: "${internet.web.v4}", port: 7008 };
    for (;; await new Promise((r) => setTimeout(r, 20))) await socket.send(new Uint8Array(9), to).catch(() => {});`;
  lab.internet.spawn([Deno.execPath(), "eval", "--unstable-net", server]);
  using flow = client.captureUplink((packet) => packet.destinationPort === 7008);
  client.spawn([Deno.execPath(), "eval", "--unstable-net", app]);
  await flow.waitFor(() => true); // the positive control
  startClient(client);
  await eventually("closed", async () => (await client.exec(["iptables", "-S"])).stdout.includes("-j PGW-OUTPUT"));
  await sleep(200);
  flow.clear();
  await sleep(1_000);
  flow.assertNone();
});
