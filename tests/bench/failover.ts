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
import { judge, machine, median, spread } from "./report.ts";
import { watchAsSeed } from "./seed_watch.ts";
import { longestOutage, startEcho, Stream } from "./stream.ts";

if (!isInside()) useCompiledProgram();
await enterOrContinue(import.meta.filename!);
const rounds = Number(Deno.args[0] ?? 3);
const onlyFault = Deno.args[1];

type Side = "ours" | "seed";

type Scenario = {
  /** `crash`: SIGKILL, and the cable cut. `restart`: SIGTERM; the Pod is gone once its process has ended. */
  readonly fault: "crash" | "restart";
  readonly intervalSeconds: number;
  /** Milliseconds until the Service names the other gateway alone; absent: it goes on naming both. */
  readonly endpointsAfterMs?: number;
  /** Of ours. */
  readonly limitMs: number;
  readonly sides: readonly Side[];
};

const scenarios: readonly Scenario[] = [
  { fault: "restart", intervalSeconds: 0.3, endpointsAfterMs: 100, limitMs: 100, sides: ["ours", "seed"] },
  { fault: "restart", intervalSeconds: 10, endpointsAfterMs: 100, limitMs: 100, sides: ["ours"] },
  { fault: "restart", intervalSeconds: 10, limitMs: 100, sides: ["ours"] },
  { fault: "crash", intervalSeconds: 0.3, endpointsAfterMs: 100, limitMs: 1_000, sides: ["ours", "seed"] },
  { fault: "crash", intervalSeconds: 0.3, limitMs: 1_000, sides: ["ours", "seed"] },
  { fault: "crash", intervalSeconds: 10, endpointsAfterMs: 100, limitMs: 11_000, sides: ["ours", "seed"] },
];
/** What takes long is done once; the seed never gets so far twice in a row that it would be worth more. */
const roundsOf = (side: Side, { intervalSeconds }: Scenario) => side === "seed" || intervalSeconds > 1 ? 1 : rounds;

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
  const results = new Map<Side, Round[]>();
  for (const side of scenario.sides) {
    const done: Round[] = [];
    for (let round = 0; round < roundsOf(side, scenario); round++) done.push(await run(side, scenario));
    results.set(side, done);
  }
  tell(scenario, results);
}

async function run(side: Side, { fault, intervalSeconds, endpointsAfterMs }: Scenario): Promise<Round> {
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
  const noticed = connected.client.lines.slice(lines).find(({ text }) => /closed: |moving: /.test(text));
  return {
    outageMs: longestOutage(answers).ms,
    lost: sent - answers.length,
    noticedMs: (noticed?.at ?? NaN) - faultAt,
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

function tell({ fault, intervalSeconds, endpointsAfterMs, limitMs }: Scenario, results: Map<Side, Round[]>): void {
  const service = endpointsAfterMs === undefined ? "goes on naming both" : `follows after ${endpointsAfterMs} ms`;
  console.log(`${fault}, checks each ${intervalSeconds} s, the Service ${service}`);
  for (const [side, done] of results) {
    const lost = done.map(({ lost }) => lost).join(", ");
    const noticed = done.map(({ noticedMs }) => noticedMs.toFixed(0)).join(", ");
    console.log(`  ${side}: outage ${spread(outages(done), "ms")}; lost ${lost}; noticed after ${noticed} ms`);
  }
  const [ours, seed] = (["ours", "seed"] as const).map((side) => outages(results.get(side) ?? []));
  if (seed!.length > 0) {
    console.log(`  the seed's outage is ${(median(seed!) / median(ours!)).toFixed(1)} times as long`);
  }
  judge("  ms of our longest outage", Math.max(...ours!), { atMost: limitMs });
}

function outages(rounds: readonly Round[]): number[] {
  return rounds.map(({ outageMs }) => outageMs);
}
