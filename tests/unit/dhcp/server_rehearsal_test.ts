import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { rehearseAnswers } from "../../../mod/dhcp/server_rehearsal.ts";
import { network4 } from "../netstate/fixtures.ts";

for (
  const [network, address] of [["172.29.0.0/24", "172.29.0.1"], ["10.0.0.0/16", "10.0.0.7"], [
    "10.0.0.8/29",
    "10.0.0.9",
  ]] as const
) {
  Deno.test(`rehearsal: a server of ${network} at ${address} leases an address to nobody, and takes a request for it`, () => {
    const range = { first: parseIpv4(address), last: parseIpv4(address) };
    const outcomes = rehearseAnswers({ address: parseIpv4(address), network: network4(network), range }, 0);
    assert.deepEqual(outcomes.map(({ event }) => event.kind), ["leased", "renewed"]);
    for (const { records, reply } of outcomes) {
      assert.equal(records.length, 1);
      assert.equal(reply?.destination.kind, "frame");
    }
  });
}
