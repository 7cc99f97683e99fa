/** Tells soon after somebody changed links, addresses or routes. */

import { LinkMonitor } from "../linux/link_monitor.ts";
import { logger } from "./log.ts";

const log = logger("network");
/** Changes come in bunches. */
const settleMs = 50;

/** Calls `changed` once for each bunch of changes, ours included, until it is disposed of. */
export class KernelWatch implements Disposable {
  #monitor: LinkMonitor | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly changed: () => void) {
    try {
      this.#monitor = LinkMonitor.open();
    } catch (error) {
      // What changes is then seen with the next regular look.
      log.warn("the kernel's own notices cannot be had: {error}", { error });
      return;
    }
    this.#follow(this.#monitor);
  }

  [Symbol.dispose](): void {
    this.#monitor?.close();
    clearTimeout(this.#timer);
  }

  async #follow(monitor: LinkMonitor): Promise<void> {
    while (await monitor.next() !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(this.changed, settleMs);
    }
  }
}
