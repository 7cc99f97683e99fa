/**
 * `deno task chaos [FAULTS [SEED [KIND]]]`, after `deno task compile`: 500 random faults, or as many as are asked for, under
 * an app whose packets are watched, and what each kind of fault cost. The same seed gives the same faults in the same order.
 * KIND: those alone whose name contains it.
 */
import { useCompiledProgram } from "../bench/binary.ts";
import { machine, quantile } from "../bench/report.ts";
import { enterOrContinue, isInside } from "../lab/enter.ts";
import { cacheProgram } from "../lab/program.ts";
import { ensureTools } from "../lab/tools.ts";
import { faults } from "./faults.ts";
import { type Outcome, plan, runFaults } from "./run.ts";
import { World } from "./world.ts";

if (!isInside()) {
  await ensureTools();
  await cacheProgram();
  useCompiledProgram();
}
await enterOrContinue(import.meta.filename!);
const count = Number(Deno.args[0] ?? 500);
const seed = Number(Deno.args[1] ?? Math.floor(Math.random() * 1e6));
const kinds = faults.filter(({ name }) => name.includes(Deno.args[2] ?? ""));
if (kinds.length === 0) throw new Error(`no kind of fault is called '${Deno.args[2]}'`);

console.log(`${machine()}; ${count} faults, seed ${seed}`);
const began = performance.now();
const world = await World.create();
console.log("the positive control was seen: a packet of an unprotected Pod is captured on both ways out");

const outcomes: Outcome[] = [];
try {
  for await (const outcome of runFaults(world, plan(kinds, count, seed), seed)) {
    outcomes.push(outcome);
    const { fault, outageMs, leaks, leasesLost, leasesDoubled } = outcome;
    const bad = leaks + leasesLost + leasesDoubled > 0
      ? `  LEAKS ${leaks}, LEASES LOST ${leasesLost}, DOUBLED ${leasesDoubled}`
      : "";
    console.log(
      `${String(outcomes.length).padStart(4)} ${fault.padEnd(32)} ${outageMs.toFixed(0).padStart(6)} ms${bad}`,
    );
  }
} catch (error) {
  console.log(await world.lab.describe());
  throw error;
}
const sent = await world.close();

const sum = (value: (outcome: Outcome) => number, of = outcomes) => of.reduce((total, one) => total + value(one), 0);
console.log(`\n${"fault".padEnd(32)}   n  outage ms: min  median     p99  leaks  leases lost  doubled`);
for (const { name } of faults) {
  const of = outcomes.filter(({ fault }) => fault === name);
  if (of.length === 0) continue;
  const outages = of.map(({ outageMs }) => outageMs);
  const columns = [Math.min(...outages), quantile(outages, 0.5), quantile(outages, 0.99)];
  const numbers = columns.map((ms) => ms.toFixed(0).padStart(8)).join("");
  const [leaks, lost, doubled] = [
    sum((one) => one.leaks, of),
    sum((one) => one.leasesLost, of),
    sum((one) => one.leasesDoubled, of),
  ];
  console.log(
    `${name.padEnd(32)} ${String(of.length).padStart(3)}      ${numbers} ${String(leaks).padStart(6)} ` +
      `${String(lost).padStart(12)} ${String(doubled).padStart(8)}`,
  );
}
const bad = [sum((one) => one.leaks), sum((one) => one.leasesLost), sum((one) => one.leasesDoubled)];
console.log(
  `\n${outcomes.length} faults in ${
    ((performance.now() - began) / 60_000).toFixed(1)
  } min; of ${sent} packets of the app ` +
    `${bad[0]} leaked; ${bad[1]} leases lost, ${bad[2]} doubled`,
);
Deno.exit(bad.every((number) => number === 0) ? 0 : 1);
