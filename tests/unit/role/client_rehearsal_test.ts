import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { phaseOf } from "../../../mod/role/client.ts";
import { rehearseLease } from "../../../mod/role/client_rehearsal.ts";
import { fresh } from "../../../mod/role/client_step.ts";
import { config } from "../../scenario/client_dialogue.ts";
import { network4, overlay, tunnel, uplink } from "../netstate/fixtures.ts";

const link = { uplink, tunnel, network: overlay };

for (
  const [what, previous, own] of [
    ["any address", undefined, link],
    ["the address from before", parseIpv4("172.29.0.20"), link],
    [
      "the gateway is the second host",
      undefined,
      { ...link, tunnel: { ...tunnel, gateway: parseIpv4("172.29.0.2") } },
    ],
  ] as const
) {
  Deno.test(`rehearsal: a connecting client gets as far as its address (${what})`, () => {
    const search = { ...fresh, uplink, ...(previous === undefined ? {} : { previous }) };
    const state = rehearseLease(config, { kind: "connecting", search, link: own }, 0);
    assert.equal(state.kind, "addressing");
    assert.equal(phaseOf(state)?.phase, "verifying");
  });
}

Deno.test("rehearsal: a gateway whose network has no address for anybody", () => {
  const tiny = { ...link, network: network4("172.29.0.1/32") };
  assert.equal(
    rehearseLease(config, { kind: "connecting", search: { ...fresh, uplink }, link: tiny }, 0).kind,
    "leasing",
  );
});
