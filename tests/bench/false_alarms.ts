/**
 * How often a client gives a gateway up that is well, on a machine whose cores are all busy: the watches of 200 clients,
 * each with the shortest recommended interval, and twice as many programs as there are cores that only compute.
 *
 * `deno task bench false-alarms [PROBES [INTERVAL_S]]`, after `deno task compile`.
 */
import { enterOrContinue, isInside } from "../lab/enter.ts";
import { Lab } from "../lab/lab.ts";
import { scriptCommand } from "../lab/program.ts";
import { startClient, startGateway, untilOpen } from "../lab/roles.ts";
import { useCompiledProgram } from "./binary.ts";
import { judge, machine } from "./report.ts";
import type { WatchersResult } from "./watchers_main.ts";

if (!isInside()) useCompiledProgram();
await enterOrContinue(import.meta.filename!);
const [probes = 100_000, intervalSeconds = 0.3] = Deno.args.map(Number);
const watchers = 200;
const longestMinutes = 30;

await using lab = await Lab.create();
await lab.setEndpoints([0]);
await startGateway(lab.gateway(0));
await untilOpen(startClient(lab.client(0), { PGW_CLIENT_PING_INTERVAL: String(intervalSeconds) }));
const busy = Number(Deno.args[2] ?? 2 * navigator.hardwareConcurrency);
for (let index = 0; index < busy; index++) lab.stranger.spawn(["sh", "-c", "while :; do :; done"]);
const args = ["vxlan3150", "172.29.0.1", watchers, intervalSeconds * 1_000, probes].map(String);
const process = lab.client(0).spawn(scriptCommand("../bench/watchers_main.ts", ...args));
const isResult = (record: object) => "alarms" in record;
const result = await process.waitForLog(isResult, { timeoutMs: longestMinutes * 60_000 }) as unknown as WatchersResult;
console.log(`${machine()}; ${busy} programs that only compute`);
console.log(
  `${result.probes} probes of ${watchers} watches, each ${intervalSeconds} s: ${result.late} asked once more, ` +
    `the latest answer after ${result.longestMs.toFixed(0)} ms`,
);
if (!judge("false alarms", result.alarms, { atMost: 0 })) Deno.exitCode = 1;
