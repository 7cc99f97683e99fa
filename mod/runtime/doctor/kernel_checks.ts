import { parseMac } from "../../addr/mac.ts";
import { parseIpv4 } from "../../addr/ipv4.ts";
import type { Finding } from "../../doctor/finding.ts";
import { clientNetState } from "../../netstate/client.ts";
import { clientNetConfig } from "../client_net_config.ts";
import type { Examined } from "./doctor.ts";
import { checkRules, checkVxlan } from "./host_checks.ts";

/** What the kernel of a Pod or node must know that has no `pgw` yet. Nothing of it stays. */
export async function checkKernel({ runner, settings, uplink }: Examined): Promise<Finding[]> {
  // Addresses of nobody's (RFC 5737): no packet meets these rules.
  const tunnel = {
    remote: parseIpv4("192.0.2.1"),
    id: settings.vxlanId,
    port: settings.vxlanPort,
    mtu: uplink.mtu,
    mac: parseMac("02:00:00:00:00:01"),
    gateway: parseIpv4("192.0.2.2"),
  };
  const lease = { address: parseIpv4("192.0.2.3"), prefixLength: 24, expiresAt: Infinity };
  const view = { phase: "open", uplink, tunnel, lease } as const;
  const { firewall } = clientNetState(clientNetConfig(settings), view, 0, true);
  return [
    await checkVxlan(uplink),
    await checkRules(runner, 4, firewall.v4),
    await checkRules(runner, 6, firewall.v6),
  ];
}
