import assert from "node:assert/strict";
import { diffFirewall, parseFirewall, renderFirewall } from "../../../mod/linux/iptables.ts";
import type { Chain } from "../../../mod/netstate/state.ts";

const output = (...rules: string[]): Chain => ({ table: "filter", name: "PGW-OUTPUT", hook: "OUTPUT", rules });
/** FNV-1a, 64 bits, of the rules below, one a line, computed apart from the program. */
const label = '-m comment --comment "pgw cffcdfd07c261d7d"';
const asked = { chains: [output("-o lo -j RETURN", "-j REJECT")] };

const listed = `-P PREROUTING ACCEPT
-P INPUT ACCEPT
-P OUTPUT ACCEPT
-P POSTROUTING ACCEPT
-P PREROUTING ACCEPT
-P INPUT ACCEPT
-P FORWARD ACCEPT
-P OUTPUT ACCEPT
-P POSTROUTING ACCEPT
-P INPUT ACCEPT
-P FORWARD ACCEPT
-P OUTPUT ACCEPT
-N PGW-OUTPUT
-A OUTPUT -j PGW-OUTPUT
-A OUTPUT -j VPN
-A PGW-OUTPUT ${label}
-A PGW-OUTPUT -o lo -j RETURN
-A PGW-OUTPUT -j REJECT --reject-with icmp-port-unreachable
`;

function change(firewall: { chains: Chain[] }, before: string): string {
  return renderFirewall(diffFirewall(firewall, parseFirewall(before, 4)));
}

Deno.test("from nothing: one transaction per table, the jump after the rules that it leads to", () => {
  assert.equal(
    change(asked, ""),
    `*filter
:PGW-OUTPUT - [0:0]
-A PGW-OUTPUT ${label}
-A PGW-OUTPUT -o lo -j RETURN
-A PGW-OUTPUT -j REJECT
-I OUTPUT 1 -j PGW-OUTPUT
COMMIT
`,
  );
});

Deno.test("what is there already needs nothing, in whatever words iptables prints it", () => {
  assert.equal(change(asked, listed), "");
});

Deno.test("counters are no part of a rule", () => {
  const counted = listed.replace(
    /^(-A OUTPUT|-A PGW-OUTPUT(?: -[mo] .*?)?)(?: (-j .*))?$/gm,
    (_, head, target) => [head, "-c 12 3456", target].filter(Boolean).join(" "),
  );
  assert.match(counted, /^-A OUTPUT -c 12 3456 -j PGW-OUTPUT$/m);
  assert.match(counted, /^-A PGW-OUTPUT -m comment .* -c 12 3456$/m);
  assert.match(counted, /^-A PGW-OUTPUT -o lo -c 12 3456 -j RETURN$/m);
  assert.deepEqual(parseFirewall(counted, 4), parseFirewall(listed, 4));
});

Deno.test("other rules: the chain alone is written anew, the jump stays", () => {
  assert.match(
    change({ chains: [output("-j RETURN")] }, listed),
    /^\*filter\n:PGW-OUTPUT - \[0:0\]\n-A PGW-OUTPUT -m comment .*\n-A PGW-OUTPUT -j RETURN\nCOMMIT\n$/,
  );
});

Deno.test("rules in another order are other rules", () => {
  assert.notEqual(change({ chains: [output("-j REJECT", "-o lo -j RETURN")] }, listed), "");
});

Deno.test("a jump that is not first is taken away and put there", () => {
  const swapped = listed.replace(
    "-A OUTPUT -j PGW-OUTPUT\n-A OUTPUT -j VPN\n",
    "-A OUTPUT -j VPN\n-A OUTPUT -j PGW-OUTPUT\n",
  );
  assert.equal(change(asked, swapped), "*filter\n-D OUTPUT -j PGW-OUTPUT\n-I OUTPUT 1 -j PGW-OUTPUT\nCOMMIT\n");
});

Deno.test("no chains wanted: jumps go before the chain", () => {
  assert.equal(
    change({ chains: [] }, listed),
    "*filter\n:PGW-OUTPUT - [0:0]\n-D OUTPUT -j PGW-OUTPUT\n-X PGW-OUTPUT\nCOMMIT\n",
  );
});

Deno.test("a comment that mentions a chain of ours is no jump", () => {
  const commented = listed.replace("-A OUTPUT -j VPN", '-A OUTPUT -m comment --comment "not PGW-OUTPUT" -j VPN');
  assert.equal(change(asked, commented), "");
});

Deno.test("the end of one table's list is seen", () => {
  const natted = listed.replace(
    "-P POSTROUTING ACCEPT\n-P PREROUTING",
    "-P POSTROUTING ACCEPT\n-N PGW-POSTROUTING\n-A POSTROUTING -j PGW-POSTROUTING\n-P PREROUTING",
  );
  const tables = parseFirewall(natted, 4);
  assert.deepEqual([...tables].map(([name, chains]) => `${name} ${[...chains.keys()].join(" ")}`), [
    "nat PREROUTING INPUT OUTPUT POSTROUTING PGW-POSTROUTING",
    "mangle PREROUTING INPUT FORWARD OUTPUT POSTROUTING",
    "filter INPUT FORWARD OUTPUT PGW-OUTPUT",
  ]);
  assert.deepEqual(tables.get("nat")!.get("POSTROUTING"), ["-j PGW-POSTROUTING"]);
});
