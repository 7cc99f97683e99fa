/** One fault after the other, chosen by a seed, and what came of each. */
import { longestOutage } from "../bench/stream.ts";
import { describe } from "../lab/packet.ts";
import { sleep } from "../lab/roles.ts";
import { seeded } from "../scenario/dhcp_dialogue.ts";
import type { Fault } from "./faults.ts";
import type { World } from "./world.ts";

export type Outcome = {
  readonly fault: string;
  /** The longest time without an answer to the app's stream, milliseconds. */
  readonly outageMs: number;
  /** Packets outside of the tunnel. */
  readonly leaks: number;
  readonly leasesLost: number;
  readonly leasesDoubled: number;
};

/** `count` faults of these kinds by turns, each kind as often as any other, in an order that `seed` shuffles. */
export function plan(kinds: readonly Fault[], count: number, seed: number): Fault[] {
  const random = seeded(seed);
  const rounds = Array.from({ length: Math.ceil(count / kinds.length) }, () => shuffled(kinds, random));
  return rounds.flat().slice(0, count);
}

/** Runs them. Throws when the app is not served again after one of them. */
export async function* runFaults(world: World, chosen: readonly Fault[], seed: number): AsyncGenerator<Outcome> {
  const random = seeded(seed ^ 0x5eed);
  for (const fault of chosen) {
    try {
      yield await runFault(world, fault, random);
    } catch (error) {
      throw new Error(`after '${fault.name}'`, { cause: error });
    }
  }
}

async function runFault(world: World, fault: Fault, random: () => number): Promise<Outcome> {
  await fault.prepare?.(world, random);
  const stream = await world.stream();
  await sleep(100);
  await fault.run(world, random);
  await world.settle();
  await sleep(200);
  const { answers } = await stream.stop();
  const leaks = await world.leaks();
  for (const packet of leaks.slice(0, 5)) console.log(`leaked after '${fault.name}': ${describe(packet)}`);
  const { lost, doubled } = await world.leaseFaults();
  return {
    fault: fault.name,
    outageMs: longestOutage(answers).ms,
    leaks: leaks.length,
    leasesLost: lost,
    leasesDoubled: doubled,
  };
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const left = [...values];
  return values.map(() => left.splice(Math.floor(random() * left.length), 1)[0]!);
}
