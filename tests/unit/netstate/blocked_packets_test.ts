import assert from "node:assert/strict";
import { BlockedPackets } from "../../../mod/netstate/blocked_packets.ts";

/** A list as iptables prints it; `fingerprint` changes with the rules of the chain. */
const listed = (fingerprint: string, packets: number, dropped = 0) =>
  `-P INPUT ACCEPT -c 9 9
-N PGW-OUTPUT
-A OUTPUT -c 70 7000 -j PGW-OUTPUT
-A OUTPUT -c 5 500 -j DROP
-A PGW-OUTPUT -o lo -c 50 5000 -j RETURN
-A PGW-OUTPUT -m comment --comment "pgw ${fingerprint}" -c ${packets} ${
    packets * 100
  } -j REJECT --reject-with icmp-admin-prohibited
-A PGW-INPUT -i vxlan3150 -m comment --comment "pgw 0a" -c ${dropped} ${dropped * 60} -j DROP
`;

const shown = (blocked: BlockedPackets) => Object.fromEntries(blocked.totals);

Deno.test("what our rules reject and drop is counted, other people's rules are not", () => {
  const blocked = new BlockedPackets();
  blocked.listed(4, listed("01", 20, 3));
  assert.deepEqual(shown(blocked), {
    "reject out": { packets: 20, bytes: 2_000 },
    "drop in": { packets: 3, bytes: 180 },
  });
});

Deno.test("a chain that is replaced counts from zero, and what it had before is kept", () => {
  const blocked = new BlockedPackets();
  blocked.listed(4, listed("01", 20));
  blocked.listed(4, listed("01", 25));
  blocked.listed(4, listed("02", 4));
  blocked.listed(4, listed("02", 1)); // replaced by its like
  assert.deepEqual(shown(blocked)["reject out"], { packets: 30, bytes: 3_000 });
});

Deno.test("the two families are added up", () => {
  const blocked = new BlockedPackets();
  blocked.listed(4, listed("01", 20));
  blocked.listed(6, listed("01", 2));
  blocked.listed(4, listed("01", 21));
  assert.deepEqual(shown(blocked)["reject out"], { packets: 23, bytes: 2_300 });
});
