/** The answers to GET /v1/status, which `pgw status` shows: names end in `At`, `Ms` or `Bytes` where values are such. */

import { formatIpv4 } from "../addr/ipv4.ts";
import type { ClientHistory } from "../health/client_history.ts";
import type { History } from "../health/history.ts";
import type { HistogramCounts } from "../health/histogram.ts";
import { linkCounters } from "../linux/link_counters.ts";
import { type ClientState, isReady, phaseName } from "../role/client.ts";
import { gatewayPhaseName, type GatewayState, obstacles, unreadyReason } from "../role/gateway.ts";
import type { GatewayInfo } from "../role/gateway_info.ts";
import type { DhcpService } from "./dhcp_service.ts";
import type { DnsServer } from "./dns_server.ts";
import type { MetricsSources } from "./metrics.ts";
import { version } from "./version.ts";

/** What a client does, and how it came to that. `waitingFor`: why the Pod is closed. */
export async function clientStatus(
  state: ClientState,
  waitingFor: string | undefined,
  sources: MetricsSources<ClientHistory>,
) {
  const { history } = sources;
  const link = "link" in state ? state.link : undefined;
  const lease = "lease" in state ? state.lease : undefined;
  return {
    role: "client",
    state: phaseName(state),
    since: history.since,
    ready: isReady(state),
    ...(waitingFor === undefined ? {} : { waitingFor }),
    ...(link === undefined ? {} : {
      gateway: {
        address: formatIpv4(link.tunnel.remote),
        instance: link.condition?.instance ?? "unknown: it is not of our kind",
        lastHeardAt: history.heardAt,
        answersAfterMs: mean(history.probeTimes),
        vxlan: `id ${link.tunnel.id}, UDP port ${link.tunnel.port}, MTU ${link.tunnel.mtu}`,
      },
    }),
    ...(lease === undefined ? {} : {
      lease: {
        address: `${formatIpv4(lease.address)}/${lease.prefixLength}`,
        renewsAt: lease.renewAt,
        expiresAt: lease.expiresAt,
        dns: lease.dnsServers.map(formatIpv4),
      },
    }),
    outages: { count: countOf(history.outages), meanMs: mean(history.outages) },
    ...await commonStatus(sources),
  };
}

/** What a gateway does, for whom, and by what. */
export async function gatewayStatus(
  state: GatewayState,
  info: GatewayInfo,
  vpnInterface: string | undefined,
  { dhcp, dns, metrics }: { dhcp: DhcpService; dns: DnsServer; metrics: MetricsSources<History> },
) {
  const { upstreams, ...counts } = dns.stats();
  const troubles = state.kind === "serving" ? obstacles(state).map(({ reason }) => reason) : [];
  return {
    role: "gateway",
    state: gatewayPhaseName(state),
    since: metrics.history.since,
    ready: unreadyReason(state) ?? "yes",
    ...(troubles.length > 1 ? { troubles } : {}),
    address: formatIpv4(info.podAddress),
    overlay: `${
      formatIpv4(info.vxlan.gateway)
    }, VXLAN id ${info.vxlan.id}, UDP port ${info.vxlan.port}, MTU ${info.vxlan.mtu}`,
    vpn: vpnStatus(state, vpnInterface),
    instance: info.condition.instance,
    leases: dhcp.server.counts(Date.now()),
    dhcp: Object.fromEntries(dhcp.counts),
    dns: {
      ...counts,
      upstreams: upstreams.map(({ route, name, isDead, roundTrip, asked, answered, failed }) => (
        { route, name, alive: !isDead, roundTripMs: roundTrip ?? null, asked, answered, failed }
      )),
    },
    ...await commonStatus(metrics),
  };
}

function vpnStatus(state: GatewayState, vpnInterface: string | undefined): string {
  if (vpnInterface === undefined) return "none named: clients leave by the Pod's own routes";
  const obstacle = "pod" in state ? state.pod.obstacle : "not looked at yet";
  return obstacle === undefined ? `${vpnInterface} is up` : obstacle;
}

async function commonStatus({ history, applier, blocked, device }: MetricsSources<History>) {
  const tunnel = linkCounters(device);
  const totals = await blocked.totals();
  return {
    ...(tunnel === undefined ? {} : {
      tunnel: (["receive", "transmit"] as const).map((direction) => ({
        direction,
        packets: tunnel[direction].packets,
        bytes: tunnel[direction].bytes,
        dropped: tunnel[direction].dropped + tunnel[direction].errors,
      })),
    }),
    blockedPackets: Object.fromEntries([...totals].map(([key, { packets }]) => [key, packets])),
    repairs: applier.repairs,
    version,
    startedAt: performance.timeOrigin,
    transitions: history.transitions,
  };
}

function countOf({ counts }: HistogramCounts): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** In milliseconds; `null`: nothing was measured yet. */
function mean(times: HistogramCounts): number | null {
  const count = countOf(times);
  return count === 0 ? null : (times.sum / count) * 1000;
}
