import assert from "node:assert/strict";
import { isWell } from "../../../mod/doctor/finding.ts";
import { judge, type LeakProbe } from "../../../mod/doctor/leaks.ts";

const probe: LeakProbe = {
  kind: "UDP",
  family: 4,
  target: "192.0.2.1",
  device: "eth0",
  sending: { outcome: "refused", code: "EPERM" },
  left: 0,
};

Deno.test("doctor: what left is a leak, whatever the kernel said and whether or not the control was seen", () => {
  for (const control of ["counted", "missed", "no way"] as const) {
    assert.equal(judge({ ...probe, left: 1 }, control).outcome, "problem");
  }
});

Deno.test("doctor: a count of zero proves something only where the control was counted, or nothing can leave at all", () => {
  assert.equal(judge(probe, "counted").outcome, "ok");
  assert.equal(judge(probe, "no way").outcome, "ok");
  assert.equal(judge(probe, "missed").outcome, "skipped");
});

Deno.test("doctor: a probe that could not be made proves nothing", () => {
  const finding = judge({ ...probe, sending: { outcome: "unmade", code: "EACCES" } }, "counted");
  assert.equal(finding.outcome, "skipped");
  assert.match(finding.detail, /EACCES/);
});

Deno.test("doctor: all is well without problems, skipped or not", () => {
  assert.ok(isWell([judge(probe, "counted"), judge(probe, "missed")]));
  assert.ok(!isWell([judge(probe, "counted"), judge({ ...probe, left: 2 }, "counted")]));
});
