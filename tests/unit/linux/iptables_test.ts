import assert from "node:assert/strict";
import {
  countingTables,
  diffFirewall,
  type ObservedFirewall,
  parseLists,
  renderChanges,
  tablesOf,
} from "../../../mod/linux/iptables.ts";
import type { Chain } from "../../../mod/netstate/state.ts";

const output = (...rules: string[]): Chain => ({ table: "filter", name: "PGW-OUTPUT", hook: "OUTPUT", rules });
/** FNV-1a, 64 bits, of the rules below, one a line, computed apart from the program. */
const label = '-m comment --comment "pgw cffcdfd07c261d7d"';
const asked = { chains: [output("-o lo -j RETURN", "-j REJECT")] };

/** Behind each table its chain OUTPUT once more. */
const listed = `-P PREROUTING ACCEPT
-P INPUT ACCEPT
-P OUTPUT ACCEPT
-P POSTROUTING ACCEPT
-P OUTPUT ACCEPT
-P PREROUTING ACCEPT
-P INPUT ACCEPT
-P FORWARD ACCEPT
-P OUTPUT ACCEPT
-P POSTROUTING ACCEPT
-P OUTPUT ACCEPT
-P INPUT ACCEPT
-P FORWARD ACCEPT
-P OUTPUT ACCEPT
-N PGW-OUTPUT
-A OUTPUT -j PGW-OUTPUT
-A OUTPUT -j VPN
-A PGW-OUTPUT -o lo -j RETURN
-A PGW-OUTPUT ${label} -j REJECT --reject-with icmp-port-unreachable
-P OUTPUT ACCEPT
-A OUTPUT -j PGW-OUTPUT
-A OUTPUT -j VPN
`;
const listOfOutput = "*filter\n-S OUTPUT\nCOMMIT\n";
const list = (table: string) => `*${table}\n-S -v\n-S OUTPUT\nCOMMIT\n`;

function parse(output: string): ObservedFirewall {
  const lists = parseLists(output, 3);
  return new Map(tablesOf(4).map((table, index) => [table, lists[index]?.table ?? new Map()]));
}

function change(firewall: { chains: Chain[] }, before: string): string {
  const changes = renderChanges(diffFirewall(firewall, parse(before)));
  // What makes it list the change is of no interest here.
  return tablesOf(4).reduce((text, table) => text.replace(list(table), ""), changes).replace(listOfOutput, "");
}

Deno.test("from nothing: one transaction per table, the jump after the rules that it leads to", () => {
  assert.equal(
    change(asked, ""),
    `*filter
:PGW-OUTPUT - [0:0]
-A PGW-OUTPUT -o lo -j RETURN
-A PGW-OUTPUT ${label} -j REJECT
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
  assert.match(counted, /^-A PGW-OUTPUT -m comment .* -c 12 3456 -j REJECT/m);
  assert.match(counted, /^-A PGW-OUTPUT -o lo -c 12 3456 -j RETURN$/m);
  assert.deepEqual(parse(counted), parse(listed));
});

Deno.test("other rules: the chain alone is written anew, the jump stays", () => {
  assert.match(
    change({ chains: [output("-j RETURN")] }, listed),
    /^\*filter\n:PGW-OUTPUT - \[0:0\]\n-A PGW-OUTPUT -m comment .* -j RETURN\nCOMMIT\n$/,
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
    "-P POSTROUTING ACCEPT\n-P OUTPUT",
    "-P POSTROUTING ACCEPT\n-N PGW-POSTROUTING\n-A POSTROUTING -j PGW-POSTROUTING\n-P OUTPUT",
  );
  const tables = parse(natted);
  assert.deepEqual([...tables].map(([name, chains]) => `${name} ${[...chains.keys()].join(" ")}`), [
    "nat PREROUTING INPUT OUTPUT POSTROUTING PGW-POSTROUTING",
    "mangle PREROUTING INPUT FORWARD OUTPUT POSTROUTING",
    "filter INPUT FORWARD OUTPUT PGW-OUTPUT",
  ]);
  assert.deepEqual(tables.get("nat")!.get("POSTROUTING"), ["-j PGW-POSTROUTING"]);
});

Deno.test("a list is whole when the chain OUTPUT follows it, and not before", () => {
  const lines = listed.split("\n");
  const whole = lines.map((_, index) =>
    parseLists(lines.slice(0, index).join("\n"), 3).filter(({ end }) => end !== undefined).length
  );
  const ends = [1, 2, 3].map((count) => lines[whole.indexOf(count) - 1]);
  assert.deepEqual(ends, Array(3).fill("-P OUTPUT ACCEPT"));
  assert.equal(whole.indexOf(3), lines.lastIndexOf("-P OUTPUT ACCEPT") + 1);
  assert.equal(listed.slice(parseLists(listed, 3)[2]!.end), lines.slice(-4).join("\n"), "where it ends");
  const more = `${listed}-P OUTPUT ACCEPT\n-A OUTPUT -j PGW-OUTPUT\n`;
  assert.deepEqual(parse(more), parse(listed), "what follows the last list is not read");
});

Deno.test("tables are listed before, behind each change and after all, and last one that is not waited for", () => {
  const text = renderChanges(diffFirewall(asked, new Map()), { before: ["nat", "filter"], after: ["mangle"] });
  assert.ok(text.startsWith(`${list("nat")}${list("filter")}*filter\n:PGW-OUTPUT`), text);
  assert.ok(text.endsWith(`COMMIT\n${list("filter")}${list("mangle")}${listOfOutput}`), text);
});

Deno.test("counters are worth to be listed where there is a chain of ours", () => {
  assert.deepEqual(countingTables(parse(listed)), ["filter"]);
  assert.deepEqual(countingTables(new Map()), []);
});

Deno.test("a jump more is added behind those that are there, one less is taken from behind them", () => {
  const [first, second] = ["PGW-OUTPUT", "PGW-MORE"].map((name): Chain => ({ ...output("-j RETURN"), name }));
  const jumps = (wanted: Chain[], there: string[]) => {
    const rules = new Map<string, string[]>([["OUTPUT", there]]);
    const [filter] = diffFirewall({ chains: wanted }, new Map([["filter", rules]]));
    return filter!.lines.filter((line) => line.includes(" OUTPUT "));
  };
  const [toFirst, toSecond] = ["-j PGW-OUTPUT", "-j PGW-MORE"];
  assert.deepEqual(jumps([first!, second!], [toFirst!, "-j VPN"]), ["-I OUTPUT 2 -j PGW-MORE"]);
  assert.deepEqual(jumps([first!], [toFirst!, toSecond!, "-j VPN"]), ["-D OUTPUT -j PGW-MORE"]);
  assert.deepEqual(jumps([first!], [toFirst!, "-j VPN", toFirst!]), [
    "-D OUTPUT -j PGW-OUTPUT",
    "-D OUTPUT -j PGW-OUTPUT",
    "-I OUTPUT 1 -j PGW-OUTPUT",
  ]);
});

Deno.test("tables to which something is only added come first, and else the one that closes", () => {
  const nat: Chain = { table: "nat", name: "PGW-OUTPUT", hook: "OUTPUT", rules: ["-j RETURN"] };
  const order = (chains: Chain[], before: string) => diffFirewall({ chains }, parse(before)).map(({ table }) => table);
  assert.deepEqual(order([nat, output("-j REJECT")], ""), ["filter", "nat"], "from nothing");
  assert.deepEqual(order([output("-j RETURN"), nat], listed), ["nat", "filter"], "opening: the filter deletes");
  const both = listed.replace("-P POSTROUTING ACCEPT\n", "-P POSTROUTING ACCEPT\n-N PGW-OLD\n-A OUTPUT -j PGW-OLD\n");
  assert.deepEqual(order([output("-j REJECT")], both), ["filter", "nat"], "closing: both delete");
});
