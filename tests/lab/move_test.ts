/** An open client that goes to another gateway, or to the same one anew, and a process that takes over from another. */
import assert from "node:assert/strict";
import { longestOutage, startEcho, Stream } from "../bench/stream.ts";
import { from } from "./lab.ts";
import { says, sleep, startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";

const labTest = labTests();

labTest("SIGTERM of a gateway with another one ready: its clients move and are never closed", async (lab) => {
  const [client, first, second] = [lab.client(0), lab.gateway(0), lab.gateway(1)];
  await startEcho(lab.internet);
  await lab.setEndpoints([0]);
  const [serving] = await Promise.all([startGateway(first), startGateway(second)]);
  const pgw = startClient(client, { PGW_CLIENT_PING_INTERVAL: "10" });
  await untilOpen(pgw);
  await lab.setEndpoints([0, 1]);
  const stream = await Stream.start(client, 1);
  await stream.waitForSource(first.vpnAddress.v4);
  using leaks = lab.captureDirect(from(client));
  const ended = serving!.stop("SIGTERM");
  await stream.waitForSource(second.vpnAddress.v4);
  assert.equal((await ended).code, 0);
  await sleep(500);
  const { sent, answers } = await stream.stop();
  // What is on its way at the instant of the switch may be lost: an answer behind it, and what the capture's end cuts off.
  const outage = longestOutage(answers).ms;
  assert.ok(
    answers.length > 100 && sent - answers.length <= 50,
    `${sent - answers.length} of ${sent} lost, ${outage} ms`,
  );
  assert.ok(!pgw.lines.some(({ json }) => json !== undefined && says("closed: ")(json)), "it was closed");
  leaks.assertNone();
});
