import assert from "node:assert/strict";
import { missingIn } from "../../../mod/linux/capability.ts";

Deno.test("the capability that is missing, by the kernel's bits", () => {
  assert.equal(missingIn(0xffffffff), undefined);
  assert.equal(missingIn(0x3000), undefined);
  assert.equal(missingIn(0x1000), "NET_RAW");
  assert.equal(missingIn(0x2000), "NET_ADMIN");
  assert.equal(missingIn(0), "NET_ADMIN");
});
