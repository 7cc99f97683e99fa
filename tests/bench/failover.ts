/**
 * How long an app is without answers when its gateway crashes or is restarted, with a second one ready, beside what the
 * seed means to do. The app is a stream of 1,000 datagrams a second; its outage is the longest time between two that
 * were sent one after the other and answered.
 *
 * `deno task bench failover [ROUNDS [crash|restart]]`, after `deno task compile`. With the interval of 10 s a gateway crashes 0.3 s after
 * it was checked, which is the worst that can happen.
 */
import { connectSeedClient } from "../interop/seed_client.ts";
import { startSeedGateway } from "../interop/seed_gateway.ts";
import { enterOrContinue, isInside } from "../lab/enter.ts";
import { Lab, names } from "../lab/lab.ts";
import type { Process } from "../lab/process.ts";
import { sleep, startClient, startGateway, untilOpen } from "../lab/roles.ts";
import { useCompiledProgram } from "./binary.ts";
import { judge, machine, spread } from "./report.ts";
import { watchAsSeed } from "./seed_watch.ts";
import { longestOutage, startEcho, Stream } from "./stream.ts";

if (!isInside()) useCompiledProgram();
await enterOrContinue(import.meta.filename!);
const rounds = Number(Deno.args[0] ?? 3);
const onlyFault = Deno.args[1];

type Scenario = {
  readonly side: "ours" | "seed";
  /** `crash`: SIGKILL, and the cable cut. `restart`: SIGTERM; the Pod is gone once its process has ended. */
  readonly fault: "crash" | "restart";
  readonly intervalSeconds: number;
  /** Milliseconds until the Service names the other gateway alone; absent: it goes on naming both. */
  readonly endpointsAfterMs?: number;
  readonly limitMs?: number;
};

const scenarios: readonly Scenario[] = [
  { side: "ours", fault: "crash", intervalSeconds: 0.3, endpointsAfterMs: 100, limitMs: 1_000 },
  { side: "seed", fault: "crash", intervalSeconds: 0.3, endpointsAfterMs: 100 },
  { side: "ours", fault: "crash", intervalSeconds: 0.3, limitMs: 1_000 },
  { side: "ours", fault: "restart", intervalSeconds: 0.3, endpointsAfterMs: 100, limitMs: 100 },
  { side: "ours", fault: "restart", intervalSeconds: 10, endpointsAfterMs: 100, limitMs: 100 },
  { side: "ours", fault: "restart", intervalSeconds: 10, limitMs: 100 },
  { side: "seed", fault: "restart", intervalSeconds: 0.3, endpointsAfterMs: 100 },
  { side: "ours", fault: "crash", intervalSeconds: 10, endpointsAfterMs: 100, limitMs: 11_000 },
  { side: "seed", fault: "crash", intervalSeconds: 10, endpointsAfterMs: 100 },
];

type Connected = {
  /** What runs in the gateway's Pod. */
  readonly gateway: readonly Process[];
  readonly client: Process;
  /** Milliseconds since 1970. */
  readonly openAt: number;
};

type Round = { readonly outageMs: number; readonly lost: number; readonly noticedMs: number };

await using lab = await Lab.create();
await startEcho(lab.internet);
const [client, first, second] = [lab.client(0), lab.gateway(0), lab.gateway(1)];
console.log(machine());

for (const scenario of scenarios.filter(({ fault }) => onlyFault === undefined || fault === onlyFault)) {
  const results: Round[] = [];
  for (let round = 0; round < (scenario.intervalSeconds > 1 ? 1 : rounds); round++) results.push(await run(scenario));
  tell(scenario, results);
}

async function run(scenario: Scenario): Promise<Round> {
  const { side, fault, intervalSeconds, endpointsAfterMs } = scenario;
  await lab.reset();
  await lab.setEndpoints([0]);
  const connected = side === "ours" ? await connectOurs(intervalSeconds) : await connectSeed(intervalSeconds);
  await lab.setEndpoints([0, 1]);
  const stream = await Stream.start(client, 1);
  await stream.waitForSource(first.vpnAddress.v4);
  // A crash comes just after a check, so that the next one is as far away as can be.
  const at = connected.openAt + intervalSeconds * 1_000 + (intervalSeconds > 1 ? 300 : 1_000 + Math.random() * 300);
  await sleep(at - Date.now());

  const faultAt = Date.now();
  const lines = connected.client.lines.length;
  const done = [fail(connected, fault), follow(endpointsAfterMs)];
  await stream.waitForSource(second.vpnAddress.v4);
  await Promise.all(done);
  await sleep(1_000);
  const { sent, answers } = await stream.stop();
  const closed = connected.client.lines.slice(lines).find(({ text }) => text.includes("closed: "));
  return {
    outageMs: longestOutage(answers).ms,
    lost: sent - answers.length,
    noticedMs: (closed?.at ?? NaN) - faultAt,
  };
}

async function connectOurs(intervalSeconds: number): Promise<Connected> {
  const [gateway] = await Promise.all([first, second].map((pod) => startGateway(pod)));
  const process = startClient(client, { PGW_CLIENT_PING_INTERVAL: String(intervalSeconds) });
  const open = await untilOpen(process);
  return { gateway: [gateway!], client: process, openAt: Number(open.timestamp) };
}

async function connectSeed(intervalSeconds: number): Promise<Connected> {
  const [gateway] = await Promise.all([first, second].map((pod) => startSeedGateway(pod)));
  await connectSeedClient(client, names.gateway);
  return {
    gateway: Object.values(gateway!),
    client: watchAsSeed(client, names.gateway, intervalSeconds),
    openAt: Date.now(),
  };
}

async function fail({ gateway }: Connected, fault: Scenario["fault"]): Promise<void> {
  if (fault === "crash") {
    for (const process of gateway) process.kill("SIGKILL");
  } else {
    await Promise.all(gateway.map((process) => process.stop("SIGTERM")));
  }
  await first.setCable("down");
}

async function follow(endpointsAfterMs: number | undefined): Promise<void> {
  if (endpointsAfterMs === undefined) return;
  await sleep(endpointsAfterMs);
  await lab.setEndpoints([1]);
}

function tell(scenario: Scenario, results: readonly Round[]): void {
  const { side, fault, intervalSeconds, endpointsAfterMs, limitMs } = scenario;
  const service = endpointsAfterMs === undefined ? "goes on naming both" : `follows after ${endpointsAfterMs} ms`;
  const what = `${side}: ${fault}, interval ${intervalSeconds} s, the Service ${service}`;
  const lost = results.map(({ lost }) => lost).join(", ");
  const noticed = results.map(({ noticedMs }) => noticedMs.toFixed(0)).join(", ");
  console.log(what);
  console.log(
    `  outage ${spread(results.map(({ outageMs }) => outageMs), "ms")}; lost ${lost}; noticed after ${noticed} ms`,
  );
  if (limitMs === undefined) return;
  judge("  ms of the longest outage", Math.max(...results.map(({ outageMs }) => outageMs)), { atMost: limitMs });
}
