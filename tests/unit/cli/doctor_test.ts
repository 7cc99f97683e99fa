import assert from "node:assert/strict";
import { main } from "../../../mod/cli/main.ts";
import { fakeIo } from "./fake_io.ts";

const noRoles = { runGateway: () => Promise.reject(), runClient: () => Promise.reject() };

Deno.test("doctor: a target that is no address, a name that is none, and a bad setting are told with exit code 2", async () => {
  for (
    const [args, message] of [
      [["--target", "banana"], /--target: 'banana' is not an address/],
      [["--name", "-"], /--name: '-' is not/],
      [["--vxlan-id", "x"], /--vxlan-id: 'x' is not/],
    ] as const
  ) {
    const io = fakeIo({ env: {} });
    assert.equal(await main(["doctor", ...args], noRoles, io), 2);
    assert.match(io.err.join("\n"), message);
    assert.deepEqual(io.out, []);
  }
});
