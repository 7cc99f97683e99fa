import assert from "node:assert/strict";
import { applyFirewall, FirewallLook } from "../../mod/linux/firewall.ts";
import { reconcile, showApplied } from "../../mod/linux/reconcile.ts";
import type { Argv, Runner } from "../../mod/linux/runner.ts";
import { parsePrefix } from "../../mod/addr/prefix.ts";
import { parseLists, renderLists, tablesOf } from "../../mod/linux/iptables.ts";
import { asPrinted } from "../../mod/linux/written_chains.ts";
import { clientNetState } from "../../mod/netstate/client.ts";
import { gatewayNetState } from "../../mod/netstate/gateway.ts";
import { config, gatewayConfig, gatewayView, ip, phases } from "../unit/netstate/fixtures.ts";
import { type Chain, type Firewall, nothing } from "../../mod/netstate/state.ts";
import { kernelTest, runner as commands } from "./namespace.ts";

/** Runs one of the two iptables that Debian has instead of the one that it prefers. */
class VariantRunner implements Runner {
  constructor(readonly variant: "nft" | "legacy") {}

  run([program, ...args]: Argv, stdin?: string, enough?: (output: string) => boolean): Promise<string> {
    const iptables = program.replace(/^(ip6?tables)/, `$1-${this.variant}`);
    // Who is root only in a user namespace cannot make the lock of iptables-legacy in /run.
    return commands.run(["env", "XTABLES_LOCKFILE=/dev/null", iptables, ...args], stdin, enough);
  }
}

/** Of each phase and each setting that brings rules of its own. */
function statesOfBothRoles() {
  const vpn = { ...gatewayConfig, vpnInterface: "tun0", snatAddress: ip("203.0.113.7") };
  const foundVpn = { marks: [0xca6c], addresses: [parsePrefix("198.51.100.1")] };
  const forward = { protocol: "tcp", ports: { first: 1, last: 1 }, address: ip("172.29.0.20") } as const;
  const learned = {
    forwards: [{ ...forward, toPort: 3 }, { ...forward, protocol: "udp" as const, ports: { first: 1, last: 5 } }],
    endpoints: [
      { prefix: parsePrefix("198.51.100.1"), port: 1, protocol: "udp" as const },
      { port: 9 },
      { prefix: parsePrefix("2001:db8::1"), protocol: "tcp" as const },
      { prefix: parsePrefix("2001:db8::2") },
    ],
  };
  return [
    ...Object.values(phases).map((phase) => clientNetState(config, phase, 0, true)),
    clientNetState({ ...config, foreignDns: "reject" }, phases.open, 0),
    gatewayNetState(gatewayConfig, gatewayView, { forwards: [] }),
    gatewayNetState(vpn, { ...gatewayView, foundVpn }, learned),
  ];
}

const output = (...rules: string[]): Chain => ({ table: "filter", name: "PGW-OUTPUT", hook: "OUTPUT", rules });
const input = (...rules: string[]): Chain => ({ table: "filter", name: "PGW-INPUT", hook: "INPUT", rules });
const marks = (...rules: string[]): Chain => ({ table: "mangle", name: "PGW-OUTPUT", hook: "OUTPUT", rules });
const both = (...chains: Chain[]): { v4: Firewall; v6: Firewall } => ({ v4: { chains }, v6: { chains } });
const closed = both(output("-o lo -j RETURN", "-p udp -m udp --dport 53 -m mark --mark 0x3150 -j RETURN", "-j DROP"));

function withoutLabel(rule: string): string {
  return rule.replace(/-m comment --comment "pgw [0-9a-f]+" /, "");
}

for (const variant of ["nft", "legacy"] as const) {
  const runner = new VariantRunner(variant);
  const apply = async (firewall: { v4: Firewall; v6: Firewall }) =>
    (await applyFirewall(runner, firewall)).map(showApplied);
  /** What the family's filter table holds, without counters and labels. */
  const rules = async (iptables: "iptables" | "ip6tables" = "iptables") =>
    (await runner.run([iptables, "-S"])).split("\n").filter((line) => line.startsWith("-A")).map(withoutLabel);

  kernelTest(`${variant}: both families are closed, and a second time nothing is done`, async () => {
    assert.deepEqual(await apply(closed), [
      "iptables filter: PGW-OUTPUT, jumps of OUTPUT",
      "ip6tables filter: PGW-OUTPUT, jumps of OUTPUT",
    ]);
    for (const iptables of ["iptables", "ip6tables"] as const) {
      assert.deepEqual(await rules(iptables), [
        "-A OUTPUT -j PGW-OUTPUT",
        "-A PGW-OUTPUT -o lo -j RETURN",
        "-A PGW-OUTPUT -p udp -m udp --dport 53 -m mark --mark 0x3150 -j RETURN",
        "-A PGW-OUTPUT -j DROP",
      ]);
    }
    assert.deepEqual(await apply(closed), []);
  });

  kernelTest(
    `${variant}: in a new Pod one process closes a family, and what was just seen is not looked at again`,
    async () => {
      const look = new FirewallLook();
      const runs: string[] = [];
      const counting: Runner = {
        run(argv, stdin, enough) {
          runs.push(argv[0]);
          return runner.run(argv, stdin, enough);
        },
      };
      const set = async (firewall: { v4: Firewall; v6: Firewall }) => {
        await applyFirewall(counting, firewall, { look });
        return runs.splice(0).sort();
      };
      look.presumeNothing();
      assert.deepEqual(await set(closed), ["ip6tables-restore", "iptables-restore"]);
      assert.deepEqual(await set(closed), []);
      assert.deepEqual(await set({ ...closed, v4: { chains: [output("-j RETURN")] } }), ["iptables-restore"]);
    },
  );

  kernelTest(`${variant}: what was seen and is no longer so does not keep a change from being made`, async () => {
    const look = new FirewallLook(Infinity);
    const set = (...chains: Chain[]) => applyFirewall(runner, both(...chains), { look });
    for (
      const tamper of [[], ["-D", "OUTPUT", "-j", "PGW-OUTPUT"], ["-F"], ["-I", "OUTPUT", "-j", "PGW-OUTPUT"]] as const
    ) {
      await set(output("-j REJECT"), input("-j DROP"));
      if (tamper.length > 0) await runner.run(["iptables", ...tamper]);
      await set(output("-j RETURN"));
      assert.deepEqual(await rules(), ["-A OUTPUT -j PGW-OUTPUT", "-A PGW-OUTPUT -j RETURN"], tamper.join(" "));
    }
    look.presumeNothing();
    await set(output("-j REJECT"));
    assert.equal((await rules()).filter((rule) => rule.endsWith("-j PGW-OUTPUT")).length, 1, "presumed wrongly");
  });

  kernelTest(`${variant}: only what differs is written anew`, async () => {
    await apply(both(output("-j DROP"), input("-i lo -j RETURN"), marks("-j RETURN")));
    assert.deepEqual(await apply(both(output("-j RETURN"), input("-i lo -j RETURN"), marks("-j RETURN"))), [
      "iptables filter: PGW-OUTPUT",
      "ip6tables filter: PGW-OUTPUT",
    ]);
    assert.deepEqual(await rules(), [
      "-A INPUT -j PGW-INPUT",
      "-A OUTPUT -j PGW-OUTPUT",
      "-A PGW-INPUT -i lo -j RETURN",
      "-A PGW-OUTPUT -j RETURN",
    ]);
  });

  kernelTest(`${variant}: other people's rules stay, behind ours`, async () => {
    await runner.run(["iptables", "-N", "VPN"]);
    await runner.run(["iptables", "-A", "OUTPUT", "-j", "VPN"]);
    await runner.run(["iptables", "-A", "VPN", "-j", "DROP"]);
    await apply(closed);
    await runner.run(["iptables", "-I", "OUTPUT", "1", "-d", "203.0.113.1", "-j", "ACCEPT"]);
    await apply(closed);
    const others = ["-A OUTPUT -d 203.0.113.1/32 -j ACCEPT", "-A OUTPUT -j VPN", "-A VPN -j DROP"];
    assert.deepEqual((await rules()).filter((rule) => !rule.includes("PGW")), others);
    assert.equal((await rules())[0], "-A OUTPUT -j PGW-OUTPUT");
    await reconcile(runner, nothing, { firewall: "last" });
    assert.deepEqual(await rules(), others);
  });

  kernelTest(`${variant}: the jump is first and there once, wherever and however often it was`, async () => {
    await apply(closed);
    for (
      const tamper of [
        ["-D", "OUTPUT", "-j", "PGW-OUTPUT"],
        ["-A", "OUTPUT", "-j", "PGW-OUTPUT"],
        ["-I", "OUTPUT", "-o", "eth9", "-j", "PGW-OUTPUT"],
        ["-I", "OUTPUT", "-p", "tcp", "-j", "ACCEPT"],
        ["-A", "FORWARD", "-j", "PGW-OUTPUT"],
      ]
    ) {
      await runner.run(["iptables", ...tamper]);
      const chain = tamper.find((word) => /^[A-Z]{5,}$/.test(word));
      assert.deepEqual(await apply(closed), [`iptables filter: jumps of ${chain}`], tamper.join(" "));
      assert.deepEqual((await rules()).filter((rule) => rule.endsWith("-j PGW-OUTPUT")), ["-A OUTPUT -j PGW-OUTPUT"]);
      assert.equal((await rules())[0], "-A OUTPUT -j PGW-OUTPUT", tamper.join(" "));
      assert.deepEqual(await apply(closed), []);
    }
  });

  kernelTest(`${variant}: a chain that lost or won a rule is set right`, async () => {
    await apply(closed);
    const whole = await rules();
    for (
      const tamper of [["-D", "PGW-OUTPUT", "3"], ["-D", "PGW-OUTPUT", "1"], ["-F", "PGW-OUTPUT"], [
        "-I",
        "PGW-OUTPUT",
        "-j",
        "ACCEPT",
      ], ["-F"]]
    ) {
      await runner.run(["iptables", ...tamper]);
      assert.match((await apply(closed)).join(), /^iptables filter: PGW-OUTPUT/);
      assert.deepEqual(await rules(), whole);
    }
  });

  kernelTest(`${variant}: a rule that was replaced by another is set right`, async () => {
    await apply(closed);
    const whole = await rules();
    assert.deepEqual(await apply(closed), []);
    for (const number of ["2", "3"]) {
      await runner.run(["iptables", "-R", "PGW-OUTPUT", number, "-j", "ACCEPT"]);
      assert.deepEqual(await apply(closed), ["iptables filter: PGW-OUTPUT"]);
      assert.deepEqual(await rules(), whole);
    }
  });

  kernelTest(`${variant}: a rule in other words than iptables' own is written twice, and is whole then`, async () => {
    const other = both(output("-p udp --dport 53 -j REJECT"));
    assert.deepEqual((await apply(other)).filter((change) => change.startsWith("iptables ")), [
      "iptables filter: PGW-OUTPUT, jumps of OUTPUT",
      "iptables filter: PGW-OUTPUT",
    ]);
    assert.deepEqual(await apply(other), []);
  });

  kernelTest(`${variant}: every rule of both roles is printed as it is compared`, async () => {
    for (const { firewall } of statesOfBothRoles()) {
      await applyFirewall(runner, firewall);
      for (const family of [4, 6] as const) {
        const restore = [family === 4 ? "iptables-restore" : "ip6tables-restore", "--noflush"] as const;
        const tables = tablesOf(family);
        const lists = parseLists(await runner.run(restore, renderLists(tables)), tables.length);
        for (const { table, name, rules } of firewall[`v${family}`].chains) {
          const printed = lists[tables.indexOf(table)]?.table.get(name) ?? [];
          assert.deepEqual(printed.map(withoutLabel), rules.map(asPrinted));
        }
      }
    }
  });

  kernelTest(`${variant}: chains of an earlier version are removed, whoever jumps to them`, async () => {
    for (
      const command of ["-N PGW-OLD", "-A PGW-OLD -j DROP", "-A OUTPUT -j PGW-OLD", "-N OTHER", "-A OTHER -g PGW-OLD"]
    ) {
      await runner.run(["iptables", "-t", "mangle", ...command.split(" ")]);
    }
    assert.deepEqual(await apply(both()), ["iptables mangle: jumps of OUTPUT, jumps of OTHER, without PGW-OLD"]);
    const left = await runner.run(["iptables", "-t", "mangle", "-S"]);
    assert.equal(left.includes("PGW"), false);
    assert.equal(left.includes("-N OTHER"), true);
  });

  kernelTest(`${variant}: a rule that iptables does not know changes nothing`, async () => {
    await apply(closed);
    const before = await rules();
    await assert.rejects(apply(both(output("-j NOWHERE"))), /NOWHERE/);
    assert.deepEqual(await rules(), before);
  });
}
