import assert from "node:assert/strict";
import { RateLimiter } from "../../../mod/dhcp/rate_limit.ts";

const allowed = (limiter: RateLimiter, now: number, times: number, source = 0): number =>
  Array.from({ length: times }, () => limiter.allow(source, now)).filter(Boolean).length;

Deno.test("rate limit: a burst at once, then so many a second", () => {
  const limiter = new RateLimiter({ perSecond: 10, burst: 5 }, 16);
  assert.equal(allowed(limiter, 1_000, 100), 5);
  assert.equal(allowed(limiter, 1_099, 100), 0);
  assert.equal(allowed(limiter, 1_100, 100), 1);
  assert.equal(allowed(limiter, 1_300, 100), 2);
  assert.equal(allowed(limiter, 60_000, 100), 5);
});

Deno.test("rate limit: sources in other buckets are not touched", () => {
  const limiter = new RateLimiter({ perSecond: 1, burst: 1 }, 16);
  assert.equal(allowed(limiter, 0, 2, 3), 1);
  assert.equal(allowed(limiter, 0, 2, 4), 1);
  assert.equal(allowed(limiter, 0, 2, 3 + 16), 0);
});

Deno.test("rate limit: a clock that is set back locks nobody out", () => {
  const limiter = new RateLimiter({ perSecond: 10, burst: 5 }, 16);
  assert.equal(allowed(limiter, 1e12, 5), 5);
  assert.equal(allowed(limiter, 1e12 - 3_600_000, 5), 5);
});
