import assert from "node:assert/strict";
import type { KernelChange } from "../../../mod/linux/kernel_monitor.ts";
import { KernelWatch, type Monitor } from "../../../mod/runtime/kernel_watch.ts";

/** One that tells of a change every few milliseconds until it is closed. */
class Restless implements Monitor {
  #isOpen = true;
  told = 0;

  async next(): Promise<ReadonlySet<KernelChange> | undefined> {
    await new Promise((resolve) => setTimeout(resolve, 2));
    return this.#isOpen ? new Set([this.told++ % 2 === 0 ? "link" : "route"] as const) : undefined;
  }

  close(): void {
    this.#isOpen = false;
  }
}

Deno.test("kernel watch: changes that never cease are told all the same, those that come together as one", async () => {
  const monitor = new Restless();
  const told = Promise.withResolvers<ReadonlySet<KernelChange>>();
  const watch = new KernelWatch(["network"], told.resolve, () => monitor);
  const limit = setTimeout(() => told.reject(new Error("nothing was told")), 5_000);
  try {
    assert.deepEqual(await told.promise, new Set(["link", "route"]));
    assert.ok(monitor.told > 2);
  } finally {
    clearTimeout(limit);
    watch[Symbol.dispose]();
    await monitor.next();
  }
});
