/** How many exchanges and renewals a second are served without drops, and how long answers take: ours beside Kea. */
import type { Process } from "../../lab/process.ts";
import { judge, median, quantile } from "../report.ts";
import { type Load, perfdhcp, type Result } from "./perfdhcp.ts";
import type { DhcpWorld, PeerName } from "./world.ts";

const clients = 60_000;
const seconds = 4;
const mostLost = 0.001;
const steps = 5;
const rounds = 5;

type Best = { readonly rate: number; readonly result: Result; readonly cpu: number };

/** Peers take turns; each is searched for its highest rate, then both are asked at the same rate. */
export async function benchLoad(world: DhcpWorld): Promise<void> {
  const exchanges = (rate: number): Load => ({ rate, clients, seconds });
  const renewals = (rate: number): Load => ({ rate, renewals: rate, clients, seconds });
  const best = { exchanges: {} as Record<PeerName, Best>, renewals: {} as Record<PeerName, Best> };
  for (const peer of ["kea", "pgw"] as const) {
    const server = await world.start(peer);
    // What has just started is slower: ours is not compiled yet, and a server without leases has nothing to look up.
    await perfdhcp(world, exchanges(2_000));
    best.exchanges[peer] = await highest(world, server, exchanges, 16_000, ({ completed }) => completed);
    best.renewals[peer] = await highest(world, server, renewals, 10_000, ({ renewed }) => renewed);
    await world.stop(server);
  }
  for (const what of ["exchanges", "renewals"] as const) {
    for (const [name, { rate, result, cpu }] of Object.entries(best[what])) {
      console.log(
        `${name}: ${rate.toFixed(0)} ${what} a second, ${(100 * result.lost).toFixed(3)} % lost, ` +
          `${cpu.toFixed(0)} us of processor time each; ${delays(result)}`,
      );
    }
    judge(`${what}/s, ours / Kea's`, best[what].pgw.rate / best[what].kea.rate, { atLeast: 1 });
  }
  await benchDelays(world, Math.floor(0.8 * Math.min(best.exchanges.kea.rate, best.exchanges.pgw.rate)));
}

/**
 * How long answers take where both have time. Peers take turns: perfdhcp fills one of two cores, and whatever else the
 * machine does shows in the slowest hundredth first.
 */
export async function benchDelays(world: DhcpWorld, rate: number): Promise<void> {
  const p99 = { kea: [] as number[], pgw: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const peer of ["kea", "pgw"] as const) {
      const server = await world.start(peer);
      await perfdhcp(world, { rate: 2_000, clients, seconds });
      const result = await perfdhcp(world, { rate, clients, seconds: 2 * seconds });
      p99[peer].push(quantile(result.delays, 0.99));
      console.log(`${peer} at ${rate} exchanges a second: ${delays(result)}`);
      await world.stop(server);
    }
  }
  judge("p99 at the same rate, ours / Kea's (medians)", median(p99.pgw) / median(p99.kea), { atMost: 1 });
}

/** By halving what lies between a rate that is served and one that is not; a rate is given a second try. */
async function highest(
  world: DhcpWorld,
  server: Process,
  load: (rate: number) => Load,
  limit: number,
  served: (result: Result) => number,
): Promise<Best> {
  let [low, high] = [0, limit];
  let best: Best | undefined;
  for (let step = 0; step < steps; step++) {
    const rate = Math.round((low + high) / 2);
    for (let attempt = 0; attempt < 2 && low < rate; attempt++) {
      const before = cpuMs(server);
      const result = await perfdhcp(world, load(rate));
      const cpu = 1000 * (cpuMs(server) - before) / (served(result) * seconds);
      if (result.lost >= mostLost) continue;
      best = { rate: served(result), result, cpu };
      low = rate;
    }
    if (low < rate) high = rate;
  }
  if (best === undefined) throw new Error("not even the lowest rate was served without drops");
  return best;
}

function delays(result: Result): string {
  const [half, most] = [0.5, 0.99].map((q) => quantile(result.delays, q).toFixed(2));
  return `answers after ${half} ms (median), ${most} ms (p99)`;
}

/** Of a process, the kernel's part included: milliseconds. */
export function cpuMs({ pid }: Process): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
  const millisecondsPerTick = 10;
  return (Number(fields[11]) + Number(fields[12])) * millisecondsPerTick;
}
