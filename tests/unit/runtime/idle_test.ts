import assert from "node:assert/strict";
import { IdleRelease } from "../../../mod/runtime/idle.ts";

/** Of a process that worked for so long while it was looked at. */
function firstRelease(workedMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    let [worked, released] = [0, 0];
    const release = new IdleRelease({
      processorTimeMs: () => worked += workedMs,
      releaseMemory(isIdle) {
        released++;
        release[Symbol.dispose]();
        assert.equal(released, 1, "nothing comes after it was disposed of");
        resolve(isIdle);
      },
    });
    release.worked();
    // What was begun before is begun anew.
    release.worked();
  });
}

Deno.test("memory is released wholly by who is idle, and gently by who is not", async () => {
  assert.deepEqual(await Promise.all([firstRelease(1), firstRelease(200)]), [true, false]);
});
