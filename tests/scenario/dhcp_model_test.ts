import assert from "node:assert/strict";
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { network } from "./dhcp_dialogue.ts";
import { serverAddress } from "./dhcp_server_dialogue.ts";
import { run, type Tally } from "./dhcp_model.ts";

const worlds = {
  "a good network": { loss: 0, duplication: 0 },
  "a bad network": { loss: 0.3, duplication: 0.3 },
} as const;

for (const [name, { loss, duplication }] of Object.entries(worlds)) {
  Deno.test(`dhcp model: ${name}: one holder for an address, leases in the journal, all bound at the end`, () => {
    const total: Tally = { bound: 0, renewed: 0, lost: 0, kills: 0, released: 0, declined: 0 };
    for (let seed = 1; seed <= 40; seed++) {
      const tally = run({
        seed,
        clients: 12,
        loss,
        duplication,
        trouble: 600_000,
        server: {
          address: serverAddress,
          network: network("172.29.0.0/24"),
          // Room for all clients, and for what is set aside after conflicts.
          range: { first: parseIpv4("172.29.0.20"), last: parseIpv4("172.29.0.40") },
          leaseSeconds: 60 + 10 * (seed % 30),
          rapidCommit: seed % 2 === 0,
        },
      });
      for (const key of Object.keys(total) as (keyof Tally)[]) total[key] += tally[key];
    }
    for (const [what, count] of Object.entries(total)) assert(count > 50, `${what} happened ${count} times only`);
  });
}
