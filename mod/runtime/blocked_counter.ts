/** How many packets the firewall turned away: from each look at it that is taken anyway, else from one of its own. */

import { type Blocked, type BlockedKey, BlockedPackets } from "../netstate/blocked_packets.ts";
import { type FirewallListed, listFirewalls } from "../linux/firewall.ts";
import type { Runner } from "../linux/runner.ts";
import { logger } from "./log.ts";

const log = logger("network");
/** Whoever asks more often gets the same answer: each look costs a process for each family. */
const freshMs = 2_000;

export class BlockedCounter {
  readonly #packets = new BlockedPackets();
  #lookedAt = -Infinity;
  #looks = 0;

  constructor(readonly runner: Runner) {}

  /** To be told of all looks at the firewall. */
  readonly listed: FirewallListed = (family, output) => {
    this.#looks++;
    this.#lookedAt = performance.now();
    this.#packets.listed(family, output);
  };

  async totals(): Promise<ReadonlyMap<BlockedKey, Blocked>> {
    if (performance.now() - this.#lookedAt > freshMs) {
      this.#lookedAt = performance.now();
      const looks = this.#looks;
      try {
        // What was seen before a change must not be added after it.
        await listFirewalls(this.runner, (family, output) => {
          if (this.#looks === looks) this.#packets.listed(family, output);
        });
      } catch (error) {
        log.warn("blocked packets cannot be counted: {error}", { error });
      }
    }
    return this.#packets.totals;
  }
}
