import assert from "node:assert/strict";
import { renderDuration, renderObject } from "../../../mod/cli/render.ts";

const durations: readonly [number, string][] = [
  [0, "0 ms"],
  [999.4, "999 ms"],
  [1000, "1 s"],
  [60_000, "1 min"],
  [3_600_000, "1 h"],
  [3_605_000, "1 h"],
  [3_660_000, "1 h 1 min"],
  [273_600_000, "3 d 4 h"],
];

for (const [ms, text] of durations) {
  Deno.test(`${ms} ms are ${text}`, () => assert.equal(renderDuration(ms), text));
}

Deno.test("values are shown as their names tell", () => {
  const text = renderObject({
    rttMs: 1.4,
    leaseSeconds: 43200,
    cacheBytes: 1_572_864,
    sentBytes: 7,
    at: 1000,
    expiresAt: 500,
    vxlanId: 3150,
    servers: ["10.8.0.1", "10.8.0.2"],
    search: [],
    vpn: null,
    name: "",
    draining: false,
    nested: {},
  }, 1000);
  assert.equal(
    text,
    `rtt       1.4 ms
lease     12 h
cache     1.5 MiB
sent      7 B
at        0 ms ago
expires   500 ms ago
vxlan id  3150
servers   10.8.0.1, 10.8.0.2
search    none
vpn       -
name      -
draining  no
nested    none`,
  );
});
