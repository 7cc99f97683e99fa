/** What dig and kdig see through a gateway is what they see directly, whichever server is behind it. */
import assert from "node:assert/strict";
import { startClient, startGateway, untilOpen } from "../../lab/roles.ts";
import { labTests } from "../../lab/test.ts";
import { askAll, type Question } from "./dig.ts";
import { gatewaySettings, startServers, zones } from "./servers.ts";
import { nameIn, questions } from "./zone.ts";

const labTest = labTests();
const gatewayAddress = "172.29.0.1";

const ways = {
  dig: [[], ["+tcp"], ["+dnssec"], ["+noedns"], ["+bufsize=512"], ["+bufsize=4096"], ["+cdflag", "+adflag"]],
  kdig: [[], ["+tcp"], ["+dnssec"], ["+bufsize=4096"], ["+ignore"]],
} as const;

labTest(
  "dig and kdig see through a gateway what they see directly: every type, chain, size and absence",
  async (lab) => {
    await startServers(lab);
    await lab.setEndpoints([0]);
    await startGateway(lab.gateway(0), gatewaySettings);
    const client = lab.client(0);
    await untilOpen(startClient(client));

    for (const { origin, resolver } of Object.values(zones)) {
      for (const program of ["dig", "kdig"] as const) {
        const all: Question[] = ways[program].flatMap((options) =>
          questions.map(([name, type]) => ({ name: nameIn(origin, name), type, options }))
        );
        const direct = await askAll(program, lab.internet, resolver, all);
        // Asked, then from the cache.
        for (const how of ["asked", "cached"]) {
          const through = await askAll(program, client, gatewayAddress, all);
          for (const [index, { name, type, options }] of all.entries()) {
            const what = `${program} ${[name, type, ...options].join(" ")}, ${how}, by ${resolver}`;
            const [ours, theirs] = [through[index]!, direct[index]!];
            assert.match(theirs.status, /NOERROR|NXDOMAIN/, what);
            assert.deepEqual([ours.status, ours.records], [theirs.status, theirs.records], what);
            assert.match(ours.flags, /^qr( tc)? rd ra( cd)?$/, what);
          }
        }
      }
    }
  },
);
