/** What a client tells over HTTP: `pgw health` and `pgw status` ask it, and so may a kubelet. */

import { formatIpv4 } from "../addr/ipv4.ts";
import type { Lease } from "../dhcp/lease.ts";
import type { LeasedAddress } from "../netstate/client.ts";
import { type ClientState, isReady } from "../role/client.ts";
import type { ClientHistory } from "../health/client_history.ts";
import { type HttpHandler, type HttpReply, jsonReply } from "./http_server.ts";
import type { MetricsSources } from "./metrics.ts";

export function clientHttp(state: () => ClientState, sources: MetricsSources<ClientHistory>): HttpHandler {
  return (path) => {
    switch (path) {
      case "/livez":
        return { status: 200, body: "ok\n" };
      case "/healthz":
      case "/readyz":
      case "/startupz":
        return openness(state());
      case "/v1/status":
        return jsonReply(status(state(), sources.history));
      case "/metrics":
        return import("./metrics.ts").then(({ clientMetrics }) => clientMetrics(state(), sources));
      default:
        return undefined;
    }
  };
}

function openness(state: ClientState): HttpReply {
  if (isReady(state)) return { status: 200, body: "ok\n" };
  return { status: 503, body: `the Pod is closed: ${waitingFor(state) ?? state.kind}\n` };
}

function waitingFor(state: ClientState): string | undefined {
  const aim = "search" in state ? state.search : "aim" in state ? state.aim : undefined;
  return aim?.report.reasons.at(-1);
}

function status(state: ClientState, history: ClientHistory) {
  const link = "link" in state ? state.link : undefined;
  const lease: LeasedAddress & Partial<Lease> | undefined = "lease" in state ? state.lease : undefined;
  return {
    role: "client",
    state: state.kind,
    since: history.since,
    ...(state.kind === "open" ? {} : { waitingFor: waitingFor(state) }),
    ...(link === undefined ? {} : {
      gateway: formatIpv4(link.tunnel.remote),
      gatewayInstance: link.condition?.instance,
      vxlan: { id: link.tunnel.id, port: link.tunnel.port, mtu: link.tunnel.mtu },
    }),
    ...(lease === undefined ? {} : {
      address: `${formatIpv4(lease.address)}/${lease.prefixLength}`,
      lease: {
        ...(lease.server === undefined ? {} : { server: formatIpv4(lease.server) }),
        ...(lease.dnsServers === undefined ? {} : { dnsServers: lease.dnsServers.map(formatIpv4).join(" ") }),
        renewAt: lease.renewAt,
        expiresAt: lease.expiresAt,
      },
    }),
    transitions: history.transitions,
  };
}
