/**
 * `deno task leak [KILLS [TEXT]]`: whether any packet of an app leaves its Pod but through the tunnel, through every phase and fault,
 * with each kind of Pod network and both iptables. Drives the file that PGW_BIN names, or the source; with TEXT,
 * through the phases that have it in their names. Prints a table; the exit code is 0 if nothing leaked.
 */
import { seeded } from "../scenario/dhcp_dialogue.ts";
import { enterOrContinue, isInside } from "../lab/enter.ts";
import { Lab } from "../lab/lab.ts";
import { cacheProgram } from "../lab/program.ts";
import { ensureTools } from "../lab/tools.ts";
import type { Cni } from "../lab/topology.ts";
import { type Iptables, legacy, nft } from "./iptables.ts";
import type { Phase } from "./phase.ts";
import * as client from "./phases_of_client.ts";
import * as gateway from "./phases_of_gateway.ts";
import * as hands from "./phases_of_hands.ts";
import * as start from "./phases_of_start.ts";
import { leaksOf, runPhases, type RunResult, totalSent } from "./run.ts";
import type { PhaseResult } from "./watch.ts";

const leastProbes = 100_000;
const firstRuleLimitMs = 80;

if (!isInside()) {
  await ensureTools();
  await cacheProgram();
}
await enterOrContinue(import.meta.filename!);

const kills = Number(Deno.args[0] ?? 200);
const isChosen = ({ name }: Phase) => Deno.args[1] === undefined || name.includes(Deno.args[1]);
const seed = Date.now() % 1_000_000;
const effort = { dwellMs: 2_000, kills, random: seeded(seed) };

const main: readonly Phase[] = [
  start.connect,
  gateway.renew,
  gateway.moved,
  gateway.vpnDown,
  hands.flushed,
  hands.deviceDeleted,
  hands.routed,
  client.killed,
  client.stopped,
];
const all: readonly Phase[] = [
  ...start.slowStart,
  start.connect,
  start.init,
  gateway.renew,
  gateway.reconnect,
  gateway.gatewayKilled,
  gateway.moved,
  gateway.drained,
  gateway.vpnDown,
  gateway.vpnSilent,
  gateway.leasedAnew,
  client.addressChanged,
  client.expired,
  client.killed,
  client.killedAtRandom,
  client.paused,
  client.outOfMemory,
  client.upgraded,
  client.clockJumped,
  hands.flushed,
  hands.deviceDeleted,
  hands.routed,
  hands.resolvConfRewritten,
  client.stopped,
];
const runs: readonly { readonly cni: Cni; readonly iptables: Iptables; readonly phases: readonly Phase[] }[] = [
  { cni: "bridge", iptables: nft, phases: all },
  { cni: "ptp", iptables: nft, phases: main },
  { cni: "calico", iptables: nft, phases: main },
  { cni: "bridge", iptables: legacy, phases: main },
];

console.log(`pgw ${Deno.env.get("PGW_BIN") ?? "from source"}; instants of kills by seed ${seed}`);
const results: RunResult[] = [];
for (const { cni, iptables, phases } of runs) {
  await using lab = await Lab.create({ cni });
  console.log(
    `\nPod network ${cni}, iptables-${iptables.name}: each kind of probe is seen outside while pgw is not there`,
  );
  console.log(row("phase", "seconds", "probes", "leaked", ""));
  const chosen = phases.filter((phase) => phase === start.connect || isChosen(phase));
  const result = await runPhases(lab, chosen, effort, iptables, printPhase);
  const { firstRuleMs, before } = result;
  console.log(`from exec to the first rules ${firstRuleMs.toFixed(0)} ms; before them ${before} packets left`);
  results.push(result);
}

const sent = results.reduce((sum, result) => sum + totalSent(result), 0);
const leaks = results.flatMap(leaksOf);
const slowest = Math.max(...results.map(({ firstRuleMs }) => firstRuleMs));
console.log(`\n${leaks.length} leaked of ${sent} probes (at least ${leastProbes} were to be sent)`);
console.log(`slowest first rules after ${slowest.toFixed(0)} ms (${firstRuleLimitMs} ms were to be reached)`);
Deno.exit(leaks.length === 0 && (sent >= leastProbes || Deno.args.length > 1) ? 0 : 1);

function printPhase({ name, seconds, sent, leaks, note }: PhaseResult): void {
  console.log(row(name, seconds.toFixed(1), String(sent), String(leaks.length), note));
  for (const leak of leaks.slice(0, 10)) console.log(`      ${leak}`);
}

function row(name: string, seconds: string, sent: string, leaked: string, note: string): string {
  return `  ${name.padEnd(68)} ${seconds.padStart(7)} ${sent.padStart(7)} ${leaked.padStart(7)}  ${note}`.trimEnd();
}
