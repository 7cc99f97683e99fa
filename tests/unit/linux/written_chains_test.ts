import assert from "node:assert/strict";
import { asPrinted, WrittenChains } from "../../../mod/linux/written_chains.ts";
import type { Chain } from "../../../mod/netstate/state.ts";

const chain = (...rules: string[]): Chain => ({ table: "filter", name: "PGW-OUTPUT", hook: "OUTPUT", rules });

Deno.test("our rules in the words of iptables", () => {
  for (
    const [rule, print] of [
      ["! -o eth0 -d 10.0.0.0/8 -j RETURN", "-d 10.0.0.0/8 ! -o eth0 -j RETURN"],
      ["-i a -o b ! -s 10.0.0.1/32 -p udp -j DROP", "! -s 10.0.0.1/32 -i a -o b -p udp -j DROP"],
      [
        "-m connmark --mark 0x1 -j MARK --set-mark 0x3150",
        "-m connmark --mark 0x1 -j MARK --set-xmark 0x3150/0xffffffff",
      ],
      ["! -p tcp -m udp -j DROP", "! -p tcp -m udp -j DROP"],
      ["-p tcp --syn -j DROP", "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP"],
    ] as const
  ) assert.equal(asPrinted(rule), print);
});

Deno.test("a replaced rule is seen, at once", () => {
  const written = new WrittenChains();
  const asked = chain("-o lo -j RETURN", "-j DROP");
  assert.equal(written.holds(asked, ["-o lo -j RETURN", "-j DROP"]), true);
  assert.equal(written.holds(asked, ["-o lo -j RETURN", "-j ACCEPT"]), false);
});

Deno.test("an iptables with other words: what it prints again after the chain was written anew is right", () => {
  const written = new WrittenChains();
  const [asked, other] = [chain("-j REJECT"), chain("-j DROP")];
  const [print, replaced] = [["-j REJECT --reject-with x"], ["-j ACCEPT"]];
  assert.equal(written.holds(asked, replaced), false);
  assert.equal(written.holds(asked, print), false);
  assert.equal(written.holds(asked, print), true);
  assert.equal(written.holds(asked, replaced), false);
  assert.equal(written.holds(asked, print), true);
  assert.equal(written.holds(other, print), false, "of other rules nothing is known");
});
