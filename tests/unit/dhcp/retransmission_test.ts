import assert from "node:assert/strict";
import { renewalRetryAt, retransmissionDelay } from "../../../mod/dhcp/retransmission.ts";

Deno.test("retransmission: the delays, and the jitter of one second at most", () => {
  const delays = (random: number) =>
    Array.from({ length: 11 }, (_, attempt) => retransmissionDelay(attempt, () => random));
  assert.deepEqual(delays(0.5), [200, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 64_000, 64_000]);
  assert.deepEqual(delays(0).slice(0, 5), [150, 375, 750, 1500, 3000]);
  assert.deepEqual(delays(0.75).slice(3, 7), [2250, 4500, 8500, 16_500]);
});

Deno.test("retransmission: renewals after half of what remains, at least 60 s, never behind the deadline", () => {
  const hours = 3_600_000;
  assert.equal(renewalRetryAt(0, 4 * hours, 12 * hours), 2 * hours);
  assert.equal(renewalRetryAt(0, 90_000, 12 * hours), 60_000);
  assert.equal(renewalRetryAt(0, 30_000, 12 * hours), 30_000);
  // A lease of a minute is asked for more than once.
  assert.equal(renewalRetryAt(30_000, 52_500, 60_000), 41_250);
  assert.equal(renewalRetryAt(52_000, 52_500, 60_000), 52_500);
});
