/**
 * Counts packets that are about to leave the Pod, behind all other rules: the last chain of the last hook is appended to,
 * for as long as it is asked. The chain's name is none of `PGW-`, so that a running `pgw` leaves it alone.
 */

import type { Runner } from "./runner.ts";

const chain = "DOCTOR-COUNT";
const program = { 4: "iptables-restore", 6: "ip6tables-restore" } as const;

export class PacketCounter {
  private constructor(readonly runner: Runner, readonly family: 4 | 6) {}

  /** @param matches one for each count, in the syntax of iptables-restore: `-d 192.0.2.1 -p tcp` */
  static async start(runner: Runner, family: 4 | 6, matches: readonly string[]): Promise<PacketCounter> {
    const counter = new PacketCounter(runner, family);
    await counter.stop();
    await counter.#run(
      `:${chain} - [0:0]`,
      ...matches.map((match) => `-A ${chain} ${match} -j RETURN`),
      `-A POSTROUTING -j ${chain}`,
    );
    return counter;
  }

  /** Packets so far, in the order of the matches. A packet counts for the first match that it fits. */
  async read(): Promise<number[]> {
    const listed = await this.#run(`-v -S ${chain}`);
    return [...listed.matchAll(/^-A .* -c ([0-9]+) [0-9]+ -j RETURN$/gm)].map(([, packets]) => Number(packets));
  }

  /** Also what an earlier one left that was killed. */
  async stop(): Promise<void> {
    const listed = await this.#run("-S");
    if (!listed.includes(`-N ${chain}\n`)) return;
    const jumps = listed.match(new RegExp(`^-A POSTROUTING -j ${chain}$`, "gm")) ?? [];
    await this.#run(...jumps.map(() => `-D POSTROUTING -j ${chain}`), `-F ${chain}`, `-X ${chain}`);
  }

  #run(...lines: string[]): Promise<string> {
    return this.runner.run(
      [program[this.family], "--noflush", "--wait", "5"],
      ["*mangle", ...lines, "COMMIT", ""].join("\n"),
    );
  }
}
