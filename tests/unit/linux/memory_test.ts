import assert from "node:assert/strict";
import { releaseMemory } from "../../../mod/linux/memory.ts";

Deno.test("whoever is waited for stops to release memory only when there is much to release", () => {
  const before: unknown = Reflect.get(globalThis, "gc");
  let collections = 0;
  Reflect.set(globalThis, "gc", () => void collections++);
  try {
    releaseMemory(true);
    releaseMemory(false);
    assert.equal(collections, 1);
    const kept = Array.from({ length: 500_000 }, (_, number) => ({ number }));
    releaseMemory(false);
    assert.equal(collections, 2);
    assert.equal(kept.length, 500_000);
    releaseMemory(true);
    assert.equal(collections, 3);
  } finally {
    Reflect.set(globalThis, "gc", before);
  }
});
