import assert from "node:assert/strict";
import { missingIn } from "../../../mod/linux/capability.ts";

Deno.test("the capability that is missing, by the kernel's bits", () => {
  const status = (effective: string) => `Name:\tpgw\nCapPrm:\tffffffffffffffff\nCapEff:\t${effective}\nCapBnd:\t0\n`;
  assert.equal(missingIn(status("000001ffffffffff")), undefined);
  assert.equal(missingIn(status("0000000000003000")), undefined);
  assert.equal(missingIn(status("0000000000001000")), "NET_RAW");
  assert.equal(missingIn(status("0000000000002000")), "NET_ADMIN");
  assert.equal(missingIn(status("0000000000000000")), "NET_ADMIN");
});
