/** How long `pgw` takes to set a client's whole firewall; run in an empty Pod. Prints a {@link FirewallTimes} line. */
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { clientMac } from "../../mod/addr/mac.ts";
import { parsePrefix } from "../../mod/addr/prefix.ts";
import { applyFirewall } from "../../mod/linux/firewall.ts";
import { observeUplink } from "../../mod/linux/reconcile.ts";
import { CommandRunner } from "../../mod/linux/runner.ts";
import { clientNetState, type ClientPhase } from "../../mod/netstate/client.ts";

/** Milliseconds. */
export type FirewallTimes = Readonly<Record<"first" | "open" | "closedAgain" | "unchanged", number>>;

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

const first = await timed({ phase: "closed" });
const open = await timed({ phase: "open", uplink, tunnel, lease });
const unchanged = await timed({ phase: "open", uplink, tunnel, lease });
const closedAgain = await timed({ phase: "closed", uplink });
console.log(JSON.stringify({ first, open, closedAgain, unchanged } satisfies FirewallTimes));

async function timed(phase: ClientPhase): Promise<number> {
  const { firewall } = clientNetState(config, phase, 0);
  const began = performance.now();
  await applyFirewall(runner, firewall);
  return performance.now() - began;
}
