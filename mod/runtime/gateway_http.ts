/** What a gateway tells over HTTP: clients ask it for their tunnel, and so do kubelets, `pgw` commands and Prometheus. */

import { formatIpv4 } from "../addr/ipv4.ts";
import { formatMac } from "../addr/mac.ts";
import type { History } from "../health/history.ts";
import type { GatewayLearned } from "../netstate/gateway.ts";
import { type GatewayState, unreadyReason } from "../role/gateway.ts";
import { formatGatewayInfo, type GatewayInfo } from "../role/gateway_info.ts";
import { formatLearned } from "../role/gateway_learned.ts";
import type { DhcpService } from "./dhcp_service.ts";
import { dnsAnswer } from "./dns_answer.ts";
import type { DnsServer } from "./dns_server.ts";
import { type HttpHandler, type HttpReply, jsonReply } from "./http_server.ts";
import type { MetricsSources } from "./metrics.ts";
import type { TrafficCounter } from "./traffic_counter.ts";

/** Who knows the answers. */
export type GatewaySources = {
  readonly info: () => GatewayInfo;
  readonly state: () => GatewayState;
  readonly dhcp: DhcpService;
  readonly dns: DnsServer;
  readonly metrics: MetricsSources<History>;
  readonly learned: () => GatewayLearned;
  readonly vpnInterface: string | undefined;
  readonly traffic: TrafficCounter | undefined;
};

export function gatewayHttp(sources: GatewaySources): HttpHandler {
  const { info, state, dhcp, dns, metrics, learned, vpnInterface, traffic } = sources;
  return (path, isLocal) => {
    switch (path) {
      case "/":
        // So ask clients that take the tunnel's id and port from their own settings.
        dhcp.prepare();
        return { status: 200, body: `${formatIpv4(info().podAddress)}\n` };
      case "/v1/gateway":
        // Who asks for the tunnel asks for a lease in it next.
        dhcp.prepare();
        return { status: 200, contentType: "application/json", body: `${formatGatewayInfo(info())}\n` };
      case "/livez":
        return { status: 200, body: "ok\n" };
      case "/healthz":
      case "/startupz":
      case "/readyz":
        return readiness(state());
      case "/v1/leases":
        return jsonReply(leaseList(dhcp));
      case "/v1/status":
        return import("./status.ts").then(async ({ gatewayStatus }) =>
          jsonReply(await gatewayStatus(state(), info(), vpnInterface, sources))
        );
      case "/metrics":
        return import("./metrics.ts").then(({ gatewayMetrics }) =>
          gatewayMetrics(state(), dhcp, dns, traffic, metrics)
        );
      case "/v1/learned":
        // Where the VPN connects to is nobody's business outside of this Pod.
        return isLocal ? jsonReply(formatLearned(learned())) : undefined;
      default:
        // What clients look up is nobody's business outside of this Pod.
        return isLocal && path.startsWith("/v1/dns/") ? dnsAnswer(dns, path) : undefined;
    }
  };
}

function readiness(state: GatewayState): HttpReply {
  const reason = unreadyReason(state);
  return reason === undefined ? { status: 200, body: "ok\n" } : { status: 503, body: `${reason}\n` };
}

function leaseList({ server }: DhcpService) {
  const leases = server.leases(Date.now()).map(({ address, chaddr, hostName, state, until }) => ({
    address: formatIpv4(address),
    mac: formatMac(chaddr),
    hostName,
    state,
    expiresAt: until,
  }));
  return { leases, ...server.counts(Date.now()) };
}
