/**
 * What a client loses while the other end of its tunnel is still being set up: how many DHCPDISCOVERs stay without an
 * answer, and how long it is from the first one to an answer. Each start is between fresh Pods, so that neither has heard of
 * the other: `late` with a gateway that serves for half a second, `early` with a client that waits for its gateway.
 *
 * `deno task bench first-discover [STARTS]`, after `deno task compile`.
 */
import { enterOrContinue, isInside } from "../lab/enter.ts";
import { Lab } from "../lab/lab.ts";
import type { Packet } from "../lab/packet.ts";
import { sleep, startClient, startGateway, untilOpen } from "../lab/roles.ts";
import { useCompiledProgram } from "./binary.ts";
import { judge, machine, quantile, spread } from "./report.ts";

if (!isInside()) useCompiledProgram();
await enterOrContinue(import.meta.filename!);
const starts = Number(Deno.args[0] ?? 9);
/** Of VXLAN, Ethernet, IPv4 and UDP. */
const headers = 8 + 14 + 20 + 8;
const fromServer = 2;

type Start = { readonly unanswered: number; readonly firstAnswerMs: number };

console.log(machine());
const all: Start[] = [];
for (const cni of ["bridge", "ptp", "calico"] as const) {
  await using lab = await Lab.create({ cni });
  for (const order of ["late", "early"] as const) {
    const measured: Start[] = [];
    for (let round = 0; round < starts; round++) measured.push(await start(lab, order));
    const lost = measured.map(({ unanswered }) => unanswered);
    console.log(
      `${cni}, ${order}: DHCPDISCOVERs without an answer ${
        lost.reduce((sum, count) => sum + count, 0)
      } in ${starts} starts; ` +
        `to the first answer ${spread(measured.map(({ firstAnswerMs }) => firstAnswerMs), "ms", 1)}`,
    );
    all.push(...measured);
  }
}
const times = all.map(({ firstAnswerMs }) => firstAnswerMs);
console.log(`all: p99 ${quantile(times, 0.99).toFixed(1)} ms to the first answer`);
judge("starts whose first DHCPDISCOVER had no answer", all.filter(({ unanswered }) => unanswered > 0).length, {
  atMost: 0,
});

async function start(lab: Lab, order: "late" | "early"): Promise<Start> {
  await lab.reset();
  await lab.setEndpoints([0]);
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  using tunnel = client.capture("eth0", isDhcp);
  if (order === "late") {
    await startGateway(gateway);
    await sleep(500);
  }
  const pgw = startClient(client, { PGW_LOG_LEVEL: "info" });
  if (order === "early") {
    await sleep(500);
    await startGateway(gateway);
  }
  await untilOpen(pgw);
  const dialogue = tunnel.packets();
  const answered = dialogue.findIndex(({ payload }) => payload[headers] === fromServer);
  const [first, answer] = [dialogue[0], dialogue[answered]];
  if (first === undefined || answer === undefined) throw new Error("no lease was seen");
  return { unanswered: answered - 1, firstAnswerMs: answer.at - first.at };
}

/** A BOOTP message in UDP, IPv4, Ethernet and VXLAN. */
function isDhcp({ protocol, destinationPort, payload }: Packet): boolean {
  if (protocol !== 17 || destinationPort !== 4789 || payload.length < headers + 240) return false;
  return payload.subarray(headers + 236, headers + 240).toHex() === "63825363";
}
