/** A run: the positive control, the Pod's first rules, then phase after phase. */
import type { Lab } from "../lab/lab.ts";
import { sleep } from "../lab/roles.ts";
import type { Iptables } from "./iptables.ts";
import type { Effort, Phase } from "./phase.ts";
import { Scene } from "./scene.ts";
import type { PhaseResult } from "./watch.ts";

export type RunResult = {
  /** From the execution of pgw to its first rules in both families. */
  readonly firstRuleMs: number;
  /** Packets that left before, while no program of the Pod but the prober ran. */
  readonly before: number;
  readonly phases: readonly PhaseResult[];
};

/** @param told called after each phase */
export async function runPhases(
  lab: Lab,
  phases: readonly Phase[],
  effort: Effort,
  iptables: Iptables,
  told: (result: PhaseResult) => void = () => {},
): Promise<RunResult> {
  await using scene = await Scene.create(lab, iptables);
  const { watch } = scene;
  const first = await scene.startFirst();
  told(await watch.phase("start", () => sleep(effort.dwellMs / 2)));
  for (const { name, run } of phases) {
    told(
      await watch.phase(name, async () => {
        try {
          return await run(scene, effort);
        } catch (error) {
          // What keeps a phase from being carried out is seldom told by what it waits for.
          throw new Error(
            `${name}: ${error instanceof Error ? error.message : error}\n${scene.pgw.output.slice(-4_000)}`,
          );
        }
      }),
    );
  }
  return { ...first, phases: watch.results };
}

/** All leaks of a run, in words. */
export function leaksOf({ phases }: RunResult): string[] {
  return phases.flatMap(({ name, leaks }) => leaks.map((leak) => `${name}: ${leak}`));
}

export function totalSent({ phases }: RunResult): number {
  return phases.reduce((sum, { sent }) => sum + sent, 0);
}
