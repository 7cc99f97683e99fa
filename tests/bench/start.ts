/**
 * From the start of the client's process to an app's first answer through the tunnel, beside the seed's way (curl, `ip`,
 * dhclient, against dnsmasq), in turns in one lab; and which packets of an app left the Pod directly.
 *
 * `deno task bench start [ROUNDS]`, after `deno task compile`.
 */
import { connectSeedClient } from "../interop/seed_client.ts";
import { startSeedGateway } from "../interop/seed_gateway.ts";
import { enterOrContinue, isInside } from "../lab/enter.ts";
import { Lab, names, outsideTunnel } from "../lab/lab.ts";
import { executedAt, type Pod } from "../lab/pod.ts";
import { isProbe, probeKinds } from "../lab/prober.ts";
import type { LogRecord } from "../lab/process.ts";
import { says, sleep, startGateway } from "../lab/roles.ts";
import { useCompiledProgram } from "./binary.ts";
import { judge, machine, median, spread } from "./report.ts";
import { startEcho, Stream } from "./stream.ts";

const limitMs = 250;
/** How often the app sends whose packets tell when the Pod was closed. */
const streamIntervalMs = 2;
const firstRuleLimitMs = 80;

if (!isInside()) useCompiledProgram();
await enterOrContinue(import.meta.filename!);
const rounds = Number(Deno.args[0] ?? 5);

/** Milliseconds after the start of the process. */
type Round = { readonly firstAnswer: number; readonly steps: Readonly<Record<string, number>> };
type Leaked = { readonly before: number; readonly after: number; readonly ipv6: number };

await using lab = await Lab.create();
await startEcho(lab.internet);
const [client, gateway] = [lab.client(0), lab.gateway(0)];
console.log(machine());

const rows: { ours: Round[]; seed: Round[] } = { ours: [], seed: [] };
for (let round = 0; round < rounds; round++) {
  rows.ours.push(await inFreshPods(prepareOurs, timedRound(startOurs)));
  rows.seed.push(await inFreshPods(prepareSeed, timedRound(startSeed)));
}
const leaked = {
  ours: await inFreshPods(prepareOurs, leakRound(startOurs, "first rule stands")),
  seed: await inFreshPods(prepareSeed, leakRound(startSeed, "default route gone")),
};

const ours = rows.ours.map(({ firstAnswer }) => firstAnswer);
const seed = rows.seed.map(({ firstAnswer }) => firstAnswer);
console.log(`ours: first answer through the tunnel: ${spread(ours, "ms")}`);
console.log(`seed: first answer through the tunnel: ${spread(seed, "ms")}`);
console.log(`seed / ours: ${(median(seed) / median(ours)).toFixed(1)}`);
printSteps("ours", rows.ours);
printSteps("seed", rows.seed);
for (const [who, { before, after, ipv6 }] of Object.entries(leaked)) {
  console.log(
    `${who}: packets of an app (${probeKinds.length} kinds every 20 ms) that left the Pod directly: ${before} before its first rule, ` +
      `${after} after (${ipv6} of all were IPv6)`,
  );
}
judge("ms to the first answer (median)", median(ours), { atMost: limitMs });
const closed = rows.ours.map(({ steps }) => steps["nothing leaves any more"] ?? NaN);
console.log(`ours: first rule: ${spread(closed, "ms")}`);
judge("ms to the first rule, by an app's packets (median)", median(closed), { atMost: firstRuleLimitMs });
judge("packets that left after the first rule", leaked.ours.after, { atMost: 0 });

async function inFreshPods<T>(prepare: () => Promise<unknown>, run: () => Promise<T>): Promise<T> {
  await lab.reset();
  await lab.setEndpoints([0]);
  await prepare();
  await sleep(500);
  return await run();
}

function prepareOurs(): Promise<unknown> {
  return startGateway(gateway);
}

function prepareSeed(): Promise<unknown> {
  return startSeedGateway(gateway);
}

/** What was started: when, and, once an app had an answer, its steps. */
type Started = { readonly startedAt: number; steps(): Promise<Readonly<Record<string, number>>> };

/** With the time at which the program itself is executed, without what the lab does to put it into its Pod. */
async function startOurs(): Promise<Started> {
  const pgw = client.pgw(["client", "run", names.gateway], { isTimed: true });
  const startedAt = await executedAt(pgw);
  return {
    startedAt,
    async steps() {
      await pgw.waitForLog(says("open: "));
      const { stdout } = await client.exec(["curl", "-sf", "http://127.0.0.1:3150/v1/status"]);
      const { transitions } = JSON.parse(stdout) as { transitions: { at: number; to: string }[] };
      const at = (state: string) => (transitions.find(({ to }) => to === state)?.at ?? NaN) - startedAt;
      return {
        "code runs": at("closing"),
        "first rule stands": timeOf(pgw.logs.find(({ change }) => String(change).startsWith("iptables"))) - startedAt,
        "uplink known": at("resolving"),
        "name resolved": at("admitting"),
        "question let out": at("asking"),
        "gateway found": at("connecting"),
        "device up": at("leasing"),
        "leased": at("addressing"),
        "address set": at("verifying"),
        "verified": at("opening"),
        "open": at("open"),
      };
    },
  };
}

// deno-lint-ignore require-await -- it goes on in the background, as the other does
async function startSeed(): Promise<Started> {
  const startedAt = performance.timeOrigin + performance.now();
  const connected = connectSeedClient(client, names.gateway);
  return {
    startedAt,
    async steps() {
      const { gatewayKnown, defaultRouteGone, deviceUp, leased } = await connected;
      return { "gateway found": gatewayKnown, "default route gone": defaultRouteGone, "device up": deviceUp, leased };
    },
  };
}

function timedRound(start: () => Promise<Started>): () => Promise<Round> {
  return async () => {
    const stream = await Stream.start(client, streamIntervalMs);
    await stream.waitForSource(directSource(client));
    const started = await start();
    // Only what the internet saw coming from the VPN came through the tunnel.
    const first = await stream.waitForSource(gateway.vpnAddress.v4);
    const steps = await started.steps();
    // Which log record tells of a rule says when this process came to write it, not when the rule stood.
    const direct = (await stream.stop()).answers.filter(({ source }) => source === directSource(client));
    const closed = (direct.at(-1)?.sentAt ?? NaN) + streamIntervalMs - started.startedAt;
    return {
      firstAnswer: first.receivedAt - started.startedAt,
      steps: { "nothing leaves any more": closed, ...steps },
    };
  };
}

function leakRound(start: () => Promise<Started>, closing: string): () => Promise<Leaked> {
  return async () => {
    using uplink = client.captureUplink((packet) => isProbe(packet) && outsideTunnel(packet));
    const app = await client.probe({ intervalMs: 20 });
    await uplink.waitFor(() => true); // the positive control: nothing is closed yet
    const { startedAt, steps } = await start();
    await client.waitForSourceAddress(gateway.vpnAddress.v4);
    const closedAt = startedAt + ((await steps())[closing] ?? NaN);
    await app.stop();
    const packets = uplink.packets(({ at }) => at >= startedAt);
    return {
      before: packets.filter(({ at }) => at < closedAt).length,
      after: packets.filter(({ at }) => at >= closedAt).length,
      ipv6: packets.filter(({ family }) => family === 6).length,
    };
  };
}

function directSource(pod: Pod): string {
  return `203.0.113.${pod.place.host}`;
}

function timeOf(record: LogRecord | undefined): number {
  return Number(record?.timestamp);
}

/** Medians, and what each step adds. */
function printSteps(who: string, rounds: readonly Round[]): void {
  const names = Object.keys(rounds[0]?.steps ?? {});
  let last = 0;
  for (const name of names) {
    const at = median(rounds.map(({ steps }) => steps[name] ?? NaN));
    console.log(`  ${who}  ${name.padEnd(20)} ${at.toFixed(0).padStart(6)} ms  (+${(at - last).toFixed(0)})`);
    last = at;
  }
}
