/** How long `pgw` takes to set a client's whole firewall; run in an empty Pod. Prints a {@link FirewallTimes} line. */
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { clientMac } from "../../mod/addr/mac.ts";
import { parsePrefix } from "../../mod/addr/prefix.ts";
import { applyFirewall, FirewallLook } from "../../mod/linux/firewall.ts";
import { observeUplink } from "../../mod/linux/reconcile.ts";
import { CommandRunner } from "../../mod/linux/runner.ts";
import { clientNetState, type ClientPhase } from "../../mod/netstate/client.ts";

/** Milliseconds. `oneRule`: `iptables-restore` of a single rule, by the same means. */
export type FirewallTimes = Readonly<Record<"oneRule" | "first" | "open" | "closedAgain" | "unchanged", number>>;

const runner = new CommandRunner();
const uplink = await observeUplink();
const localCidrs = ["192.168.0.0/16", "10.0.0.0/8"].map((text) => parsePrefix(text));
const config = { device: "vxlan3150", localCidrs, foreignDns: "redirect" as const };
const tunnel = {
  remote: parseIpv4("10.42.0.21"),
  id: 3150,
  port: 4789,
  mtu: 1450,
  mac: clientMac(uplink.address),
  gateway: parseIpv4("172.29.0.1"),
};
const lease = { address: parseIpv4("172.29.0.20"), prefixLength: 24, expiresAt: 0 };

const look = new FirewallLook();

const oneRule = await timed(() =>
  runner.run(["iptables-restore", "--noflush"], "*filter\n:ONE - [0:0]\n-A ONE -j RETURN\nCOMMIT\n")
);
look.presumeNothing(); // as a client in a new Pod does
const first = await timed(() => set({ phase: "closed" }));
const open = await timed(() => set({ phase: "open", uplink, tunnel, lease }));
look.forget();
const unchanged = await timed(() => set({ phase: "open", uplink, tunnel, lease }));
const closedAgain = await timed(() => set({ phase: "closed", uplink }));
console.log(JSON.stringify({ oneRule, first, open, closedAgain, unchanged } satisfies FirewallTimes));

async function set(phase: ClientPhase): Promise<void> {
  await applyFirewall(runner, clientNetState(config, phase, 0).firewall, { look });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  const ms = performance.now() - began;
  await runner.settled();
  return ms;
}
