import assert from "node:assert/strict";
import { WireError } from "../../../mod/wire/bytes.ts";
import { decodeVxlan, encodeVxlan } from "../../../mod/wire/vxlan.ts";

const frame = Uint8Array.of(1, 2, 3, 4);

Deno.test("VXLAN: the header of RFC 7348, figure 1", () => {
  const bytes = encodeVxlan({ vni: 0xabcdef, frame });
  assert.deepEqual([...bytes], [0x08, 0, 0, 0, 0xab, 0xcd, 0xef, 0, 1, 2, 3, 4]);
  assert.deepEqual(decodeVxlan(bytes), { vni: 0xabcdef, frame });
});

Deno.test("VXLAN: a header that is cut short or has no VNI is none", () => {
  assert.throws(() => decodeVxlan(Uint8Array.of(8, 0, 0, 0, 0, 0, 1)), WireError);
  assert.throws(() => decodeVxlan(new Uint8Array(12)), WireError);
});
