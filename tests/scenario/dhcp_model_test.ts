import assert from "node:assert/strict";
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { network } from "./dhcp_dialogue.ts";
import { emptyTally, run, type Tally, type World } from "./dhcp_model.ts";
import { serverAddress } from "./dhcp_server_dialogue.ts";

type Description = Pick<World, "guests" | "loss" | "duplication" | "trouble" | "calm"> & {
  readonly seeds: number;
  /** The last address of the pool, which begins with 172.29.0.20. */
  readonly last: string;
  readonly isAuthoritative: (seed: number) => boolean;
  readonly leaseSeconds: (seed: number) => number;
};

/** Room for all clients, and for what is set aside after conflicts. */
const roomy = {
  seeds: 40,
  guests: 0,
  last: "172.29.0.40",
  isAuthoritative: () => true,
  leaseSeconds: (seed: number) => 60 + 10 * (seed % 30),
  trouble: 600_000,
  calm: 800_000,
};

const worlds: Readonly<Record<string, Description>> = {
  "a good network": { ...roomy, loss: 0, duplication: 0 },
  "a bad network": { ...roomy, loss: 0.3, duplication: 0.3 },
  // Addresses for those who stay and no more: what one has lost another has at once, and until the leases of those who
  // are gone and the ten minutes after conflicts are over, some have none.
  "a crowded network": {
    seeds: 60,
    guests: 4,
    last: "172.29.0.27",
    isAuthoritative: (seed) => seed % 4 < 2,
    leaseSeconds: (seed) => 20 + 10 * (seed % 5),
    trouble: 300_000,
    calm: 800_000,
    loss: 0.1,
    duplication: 0.1,
  },
};

for (const [name, { seeds, last, isAuthoritative, leaseSeconds, ...world }] of Object.entries(worlds)) {
  Deno.test(`dhcp model: ${name}: one holder for an address, leases in the journal, all bound at the end`, () => {
    const total = emptyTally();
    for (let seed = 1; seed <= seeds; seed++) {
      const tally = run({
        ...world,
        seed,
        clients: 12,
        isAuthoritative: isAuthoritative(seed),
        server: {
          address: serverAddress,
          network: network("172.29.0.0/24"),
          range: { first: parseIpv4("172.29.0.20"), last: parseIpv4(last) },
          leaseSeconds: leaseSeconds(seed),
          rapidCommit: seed % 2 === 0,
        },
      });
      for (const key of Object.keys(total) as (keyof Tally)[]) total[key] += tally[key];
    }
    for (const [what, count] of Object.entries(total)) assert(count > 50, `${what} happened ${count} times only`);
  });
}
