/** An open client goes to another gateway, or to the same one anew, and a process takes over from another: no gap. */
import assert from "node:assert/strict";
import { longestOutage, startEcho, Stream } from "../bench/stream.ts";
import { from, type Lab, names } from "./lab.ts";
import type { Pod } from "./pod.ts";
import type { Process } from "./process.ts";
import { says, sleep, startClient, startGateway, untilClosed, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";

const labTest = labTests();
const slow = { PGW_CLIENT_PING_INTERVAL: "10" };
let echo: Promise<void> | undefined;

/** An app that sends 1,000 datagrams a second, which are echoed. */
async function startStream(lab: Lab, source: string): Promise<Stream> {
  await (echo ??= startEcho(lab.internet));
  const stream = await Stream.start(lab.client(0), 1);
  await stream.waitForSource(source);
  return stream;
}

/** Ends the stream; `most` of what it sent had no answer. */
async function assertSteady(stream: Stream, most: number): Promise<void> {
  const { sent, answers } = await stream.stop();
  assert.ok(answers.length > 500, `only ${answers.length} answers`);
  // What is on its way when the stream ends is no loss.
  const lost = (answers.at(-1)?.number ?? sent) + 1 - answers.length;
  assert.ok(lost <= most, `${lost} of ${sent} lost, ${longestOutage(answers).ms} ms in a row`);
}

function assertNeverClosed(pgw: Process): void {
  assert.ok(!pgw.lines.some(({ json }) => json !== undefined && says("closed: ")(json)), `closed:\n${pgw.output}`);
}

labTest(
  "SIGTERM of a gateway with another one ready: its clients move, it waits for no dead one, and ends",
  async (lab) => {
    const [client, dead, first, second] = [lab.client(0), lab.client(1), lab.gateway(0), lab.gateway(1)];
    await lab.setEndpoints([0]);
    // Without a client that has not moved, it ends long before.
    const [serving] = await Promise.all([startGateway(first, { PGW_DRAIN_TIME: "3600" }), startGateway(second)]);
    const [pgw, killed] = [startClient(client, slow), startClient(dead)];
    const [, { address }] = await Promise.all([untilOpen(pgw), untilOpen(killed)]);
    await lab.setEndpoints([0, 1]);
    const stream = await startStream(lab, first.vpnAddress.v4);
    using leaks = lab.captureDirect(from(client, dead));
    await killed.stop("SIGKILL");
    const ended = serving!.stop("SIGTERM", 60_000);
    await stream.waitForSource(second.vpnAddress.v4);
    assert.equal((await ended).code, 0);
    const given = await serving!.waitForLog(says("not waited for: "));
    assert.ok(String(given.message).includes(String(address)), String(given.message));
    await sleep(300);
    // Echoes that come back by the old way at the instant of the switch are not taken.
    await assertSteady(stream, 50);
    assertNeverClosed(pgw);
    leaks.assertNone();
  },
);

labTest(
  "the gateway's program is killed and comes back: its clients stay open, however busy they are, nothing is lost",
  async (lab) => {
    const [client, gateway] = [lab.client(0), lab.gateway(0)];
    await lab.setEndpoints([0]);
    const serving = await startGateway(gateway);
    const pgw = startClient(client, { PGW_CLIENT_PING_INTERVAL: "2" });
    await untilOpen(pgw);
    const stream = await startStream(lab, gateway.vpnAddress.v4);
    // Its questions for names use up what the kernel of the gateway grants a client of answers by ICMP.
    await client.probe({ intervalMs: 50 });
    await serving.stop("SIGKILL");
    await pgw.waitForLog(says(`moving: no program answers in the gateway ${gateway.address.v4}`));
    const from = pgw.lines.length;
    await startGateway(gateway);
    await untilOpen(pgw, from);
    await sleep(300);
    await assertSteady(stream, 0);
    assertNeverClosed(pgw);
  },
);

labTest("the gateway's program is held up: its clients stay open, nothing is lost", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  const serving = await startGateway(gateway);
  const pgw = startClient(client);
  await untilOpen(pgw);
  const stream = await startStream(lab, gateway.vpnAddress.v4);
  serving.kill("SIGSTOP");
  await pgw.waitForLog(says(`moving: the program of the gateway ${gateway.address.v4} answers no longer`));
  const from = pgw.lines.length;
  serving.kill("SIGCONT");
  await untilOpen(pgw, from);
  await assertSteady(stream, 0);
  assertNeverClosed(pgw);
});

labTest(
  "the gateway is restarted between two probes: its clients ask for their leases anew, nothing is lost",
  async (lab) => {
    const [client, gateway] = [lab.client(0), lab.gateway(0)];
    await lab.setEndpoints([0]);
    const serving = await startGateway(gateway);
    const pgw = startClient(client, { PGW_CLIENT_PING_INTERVAL: "3" });
    await untilOpen(pgw);
    const stream = await startStream(lab, gateway.vpnAddress.v4);
    await serving.stop("SIGKILL");
    await startGateway(gateway);
    const moving = await pgw.waitForLog(says("moving: "));
    if (String(moving.message).endsWith("was restarted")) await untilOpen(pgw, pgw.lines.length - 1);
    await sleep(500);
    await assertSteady(stream, 0);
    assertNeverClosed(pgw);
  },
);

for (const [what, mode, signal] of [["killed", "run", "SIGKILL"], ["upgraded in place", "start", "SIGTERM"]] as const) {
  labTest(`a client that is ${what}: the next process takes the open Pod over, nothing is lost`, async (lab) => {
    const [client, gateway] = [lab.client(0), lab.gateway(0)];
    await lab.setEndpoints([0]);
    await startGateway(gateway);
    const args = ["client", mode, names.gateway];
    let pgw = startClient(client, {}, args);
    await untilOpen(pgw);
    const stream = await startStream(lab, gateway.vpnAddress.v4);
    for (let round = 0; round < 3; round++) {
      await pgw.stop(signal);
      pgw = startClient(client, {}, args);
      await untilOpen(pgw);
      assertNeverClosed(pgw);
    }
    await sleep(300);
    await assertSteady(stream, 0);
  });
}

labTest(
  "a gateway Pod that has no tunnel any more says so by ICMP, and is given up before its silence would tell",
  async (lab) => {
    const [client, gateway] = [lab.client(0), lab.gateway(0)];
    await lab.setEndpoints([0]);
    const serving = await startGateway(gateway);
    const pgw = startClient(client);
    await untilOpen(pgw);
    await serving.stop("SIGKILL");
    await gateway.ip("link delete vxlan3150");
    const { message } = await untilClosed(pgw);
    assert.equal(message, `closed: the gateway ${gateway.address.v4} has no tunnel any more`);
  },
);

for (
  const [what, fail, mend] of [
    ["its cable is pulled", (pod: Pod) => pod.setCable("down"), (pod: Pod) => pod.setCable("up")],
    [
      "its interface is set down",
      (pod: Pod) => pod.ip("link set eth0 down"),
      (pod: Pod) => pod.ip("link set eth0 up", "route replace default via 10.42.0.1"),
    ],
  ] as const
) {
  labTest(
    `a client Pod, ${what}: it looks at its gateway at once, whatever the interval, and comes back`,
    async (lab) => {
      const [client, gateway] = [lab.client(0), lab.gateway(0)];
      await lab.setEndpoints([0]);
      await startGateway(gateway);
      const pgw = startClient(client, { PGW_CLIENT_PING_INTERVAL: "600" });
      await untilOpen(pgw);
      await sleep(500); // its own changes of the network are no news
      await fail(client);
      await untilClosed(pgw);
      const before = pgw.lines.length;
      await mend(client);
      await untilOpen(pgw, before);
      assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
    },
  );
}

labTest("SIGHUP: a client looks at its gateway at once, a gateway at its Pod, and both go on", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  const serving = await startGateway(gateway);
  const pgw = startClient(client, { PGW_CLIENT_PING_INTERVAL: "600" });
  await untilOpen(pgw);
  for (const process of [serving, pgw]) {
    process.kill("SIGHUP");
    await process.waitForLog(says("SIGHUP: all is looked at anew"));
  }
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
  assertNeverClosed(pgw);
  await serving.stop("SIGKILL");
  await gateway.ip("link delete vxlan3150");
  pgw.kill("SIGHUP");
  await untilClosed(pgw);
});

labTest("the VPN goes down: clients are told at once, and told apart from a lost gateway", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
  const pgw = startClient(client, { PGW_CLIENT_PING_INTERVAL: "600" });
  await untilOpen(pgw);
  using leaks = lab.captureDirect(from(client));
  await gateway.disconnectVpn();
  assert.equal((await untilClosed(pgw)).message, `closed: the gateway ${gateway.address.v4} has lost its way out`);
  assert.equal(await client.fetchSourceAddress(undefined, 500), undefined);
  const before = pgw.lines.length;
  await gateway.connectVpn();
  await untilOpen(pgw, before);
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
  leaks.assertNone();
});

labTest("a gateway that is full sends clients to another one", async (lab) => {
  const [one, other, first, second] = [lab.client(0), lab.client(1), lab.gateway(0), lab.gateway(1)];
  await Promise.all([startGateway(first, { PGW_MAX_CLIENTS: "1" }), startGateway(second, { PGW_MAX_CLIENTS: "1" })]);
  for (const pod of [one, other]) await untilOpen(startClient(pod));
  const sources = await Promise.all([one, other].map((pod) => pod.fetchSourceAddress()));
  assert.deepEqual(sources.toSorted(), [first.vpnAddress.v4, second.vpnAddress.v4].toSorted());
});
