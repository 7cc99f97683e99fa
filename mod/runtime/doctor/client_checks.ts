import { formatPrefix } from "../../addr/prefix.ts";
import { type Finding, ok, problem } from "../../doctor/finding.ts";
import { differences, showApplied } from "../../linux/reconcile.ts";
import { clientNetState } from "../../netstate/client.ts";
import { isNest } from "../../netstate/nest.ts";
import type { FoundTunnel } from "../../role/client.ts";
import { clientNetConfig } from "../client_net_config.ts";
import { now } from "../event_loop.ts";
import type { Examined } from "./doctor.ts";
import { checkFullSize, checkProbe } from "./tunnel_checks.ts";

/** A client whose tunnel stands: the kernel holds what it should, and the gateway answers. */
export async function checkClient(pod: Examined, found: FoundTunnel): Promise<Finding[]> {
  const { vxlanDevice } = pod.settings;
  return [
    await checkKernelState(pod, found),
    await checkProbe(found, vxlanDevice),
    await checkFullSize(found, vxlanDevice),
  ];
}

/** Firewall, routes and devices, compared with what they are when the Pod is open. */
async function checkKernelState(
  { settings, runner, observed }: Examined,
  { link, lease }: FoundTunnel,
): Promise<Finding> {
  const check = "firewall and routes";
  const view = { phase: "open", uplink: link.uplink, tunnel: link.tunnel, lease } as const;
  const net = clientNetConfig(settings);
  const changes = await differences(runner, clientNetState(net, view, now(), isNest(observed.links, net.device)));
  if (changes.length === 0) return ok(check, "the kernel holds what an open Pod should");
  return problem(
    check,
    `the kernel does not hold what an open Pod should: ${changes.map(showApplied).join("; ")}`,
    "if this stays for over 20 s, see the log of pgw: another program in this Pod changes it back, or this container " +
      "has other settings than the one that runs",
  );
}

/** A default route by another device than the tunnel's is a way out as soon as the firewall is gone. */
export function checkDefaultRoutes({ observed, settings }: Examined): Finding {
  const check = "default routes";
  const others = observed.routes.filter(({ destination, table, hop }) =>
    destination.length === 0 && table === "main" && hop.kind === "device" &&
    hop.device !== settings.vxlanDevice && hop.device !== "lo"
  );
  if (others.length === 0) return ok(check, "none but the tunnel's");
  const shown = others.map(({ destination, hop }) =>
    `${formatPrefix(destination)} by ${hop.kind === "device" ? hop.device : hop.kind}`
  );
  return problem(
    check,
    `there are others: ${shown.join(", ")}`,
    "find out what adds them: an IPv6 router, another sidecar?",
  );
}
