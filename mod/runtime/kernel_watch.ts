/** Tells soon after somebody changed links, addresses or routes, or the firewall. */

import { type KernelChange, KernelMonitor } from "../linux/kernel_monitor.ts";
import { logger } from "./log.ts";

const log = logger("network");
/** Changes come in bunches. */
const settleMs = 50;
/** What goes on and on is no bunch: it must not keep what is wrong from being seen. */
const longestBunchMs = 500;

/** Who tells of the changes. */
export type Monitor = Pick<KernelMonitor, "next" | "close">;

/** Calls `changed` once for each bunch of changes, ours included, until it is disposed of. */
export class KernelWatch implements Disposable {
  readonly #monitors: readonly Monitor[];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the first change of the bunch came. */
  #since: number | undefined;
  #changes = new Set<KernelChange>();

  constructor(
    readonly what: readonly ("network" | "firewall")[],
    readonly changed: (changes: ReadonlySet<KernelChange>) => void,
    open: (what: "network" | "firewall") => Monitor = KernelMonitor.open,
  ) {
    this.#monitors = what.flatMap((what) => {
      try {
        return open(what);
      } catch (error) {
        // What changes is then seen with the next regular look.
        log.warn("the kernel's own notices of the {what} cannot be had: {error}", { what, error });
        return [];
      }
    });
    for (const monitor of this.#monitors) this.#follow(monitor);
  }

  [Symbol.dispose](): void {
    for (const monitor of this.#monitors) monitor.close();
    clearTimeout(this.#timer);
  }

  async #follow(monitor: Monitor): Promise<void> {
    for (let changes = await monitor.next(); changes !== undefined; changes = await monitor.next()) {
      for (const change of changes) this.#changes.add(change);
      this.#since ??= performance.now();
      const leftMs = this.#since + longestBunchMs - performance.now();
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#tell(), Math.max(0, Math.min(settleMs, leftMs)));
    }
  }

  #tell(): void {
    const changes = this.#changes;
    this.#since = undefined;
    this.#changes = new Set();
    this.changed(changes);
  }
}
