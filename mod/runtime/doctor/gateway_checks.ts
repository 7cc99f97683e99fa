import { type Finding, ok, problem, skipped } from "../../doctor/finding.ts";
import { differences, showApplied } from "../../linux/reconcile.ts";
import { type GatewayLearned, gatewayNetState, type GatewayView } from "../../netstate/gateway.ts";
import { gatewayConfig, observePod } from "../gateway.ts";
import { clusterResolver } from "../gateway_dns.ts";
import { parseLearned } from "../../role/gateway_learned.ts";
import { HttpError, httpGet } from "../http_get.ts";
import type { Examined } from "./doctor.ts";

/** A gateway Pod: clients can get out, and the kernel holds what it should. */
export async function checkGatewayPod({ settings, runner }: Examined): Promise<Finding[]> {
  const config = gatewayConfig("start", settings, clusterResolver(settings));
  const pod = await observePod(config, settings.uplink);
  const learned = await learnedBy(settings.httpPort);
  const changes = await differences(runner, gatewayNetState(config.net, pod, learned));
  const { vpnInterface } = settings;
  const way = vpnInterface === undefined
    ? "whatever the Pod's routes say (PGW_VPN_INTERFACE is not set)"
    : vpnInterface;
  return [
    pod.obstacle === undefined
      ? ok("way out", `clients leave by ${way}`)
      : problem("way out", pod.obstacle, "see the VPN's log: until it is up, clients are blocked"),
    changes.length === 0 ? ok("firewall and forwarding", "the kernel holds what a gateway should") : problem(
      "firewall and forwarding",
      `the kernel does not hold what a gateway should: ${changes.map(showApplied).join("; ")}`,
      "if this stays for over 20 s, see the log of pgw: another program in this Pod changes it back, or this " +
        "container has other settings than the one that runs",
    ),
    ...(vpnInterface === undefined ? [] : [ownTraffic(pod, learned)]),
  ];
}

/** What keeps the rest of the Pod in: that the VPN's own connection can be told from it. */
function ownTraffic({ foundVpn }: GatewayView, { endpoints }: GatewayLearned): Finding {
  const check = "the Pod's own traffic";
  if (endpoints !== undefined) {
    return ok(check, "leaves by the VPN, but for the connection that PGW_VPN_ENDPOINT names");
  }
  if (foundVpn !== undefined) return ok(check, "leaves by the VPN, but for the connection that the VPN's routes show");
  return skipped(
    check,
    "the VPN's own connection is not known, so other programs of this Pod may leave around it: set PGW_VPN_ENDPOINT",
  );
}

/** What the gateway that runs here has learned; nothing, if none does. */
async function learnedBy(port: number): Promise<GatewayLearned> {
  try {
    const { status, body } = await httpGet({ hostname: "127.0.0.1", port, path: "/v1/learned", timeoutMs: 2_000 });
    if (status === 200) return parseLearned(body);
  } catch (error) {
    if (!(error instanceof HttpError || error instanceof SyntaxError)) throw error;
  }
  return { forwards: [] };
}
