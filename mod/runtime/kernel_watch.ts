/** Tells soon after somebody changed links, addresses or routes, or the firewall. */

import { type KernelChange, KernelMonitor } from "../linux/kernel_monitor.ts";
import { logger } from "./log.ts";

const log = logger("network");
/** Changes come in bunches. */
const settleMs = 50;

/** Calls `changed` once for each bunch of changes, ours included, until it is disposed of. */
export class KernelWatch implements Disposable {
  readonly #monitors: readonly KernelMonitor[];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #changes = new Set<KernelChange>();

  constructor(
    readonly what: readonly ("network" | "firewall")[],
    readonly changed: (changes: ReadonlySet<KernelChange>) => void,
  ) {
    this.#monitors = what.flatMap((what) => {
      try {
        return KernelMonitor.open(what);
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

  async #follow(monitor: KernelMonitor): Promise<void> {
    for (let changes = await monitor.next(); changes !== undefined; changes = await monitor.next()) {
      for (const change of changes) this.#changes.add(change);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#tell(), settleMs);
    }
  }

  #tell(): void {
    const changes = this.#changes;
    this.#changes = new Set();
    this.changed(changes);
  }
}
