/** The answers to GET /metrics. Loaded when somebody asks: a process that nobody scrapes does without. */

import { formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import { type ClientHistory, clientPhases } from "../health/client_history.ts";
import { clientMetricsText } from "../health/client_metrics.ts";
import type { CommonView } from "../health/common_metrics.ts";
import { gatewayMetricsText } from "../health/gateway_metrics.ts";
import type { History } from "../health/history.ts";
import { type ClientTraffic, mostCountedClients } from "../netstate/client_traffic.ts";
import { linkCounters } from "../linux/link_counters.ts";
import { type ClientState, isReady, phaseName } from "../role/client.ts";
import { gatewayChecks, gatewayPhaseName, gatewayPhases, type GatewayState, obstacles } from "../role/gateway.ts";
import type { Applier } from "./applier.ts";
import type { BlockedCounter } from "./blocked_counter.ts";
import type { DhcpService } from "./dhcp_service.ts";
import type { DnsServer } from "./dns_server.ts";
import type { TrafficCounter } from "./traffic_counter.ts";
import type { HttpReply } from "./http_server.ts";
import { version } from "./version.ts";

/** Who counts. */
export type MetricsSources<H extends History> = {
  readonly history: H;
  readonly applier: Applier;
  readonly blocked: BlockedCounter;
  /** The tunnel's. */
  readonly device: string;
};

export async function clientMetrics(state: ClientState, sources: MetricsSources<ClientHistory>): Promise<HttpReply> {
  return reply(clientMetricsText({
    ...await commonView("client", sources),
    states: clientPhases,
    state: phaseName(state),
    ready: isReady(state),
    history: sources.history,
    ...("link" in state ? { gateway: formatIpv4(state.link.tunnel.remote) } : {}),
    ...("lease" in state ? { leaseExpiresAt: state.lease.expiresAt } : {}),
  }));
}

export async function gatewayMetrics(
  state: GatewayState,
  dhcp: DhcpService,
  dns: DnsServer,
  traffic: TrafficCounter | undefined,
  sources: MetricsSources<History>,
): Promise<HttpReply> {
  const common = await commonView("gateway", sources);
  const phase = gatewayPhaseName(state);
  return reply(gatewayMetricsText({
    ...common,
    states: gatewayPhases,
    state: phase,
    ready: phase === "ready",
    checks: checksOf(state),
    dhcpMessages: dhcp.counts,
    addresses: dhcp.server.counts(Date.now()),
    dns: dns.stats(),
    traffic: trafficOf(dhcp, await traffic?.read()),
  }));
}

function checksOf(state: GatewayState): ReadonlyMap<string, boolean> {
  const failed = state.kind === "serving" ? obstacles(state).map(({ check }) => check) : [];
  return new Map(gatewayChecks.map((check) => [check, !failed.includes(check)]));
}

/** Of clients that have a lease: addresses that somebody only claims to have are not told. */
function trafficOf(
  { server }: DhcpService,
  counted: ReadonlyMap<Ipv4, ClientTraffic> | undefined,
): ReadonlyMap<string, ClientTraffic> {
  if (counted === undefined) return new Map();
  const bound = server.leases(Date.now()).filter(({ state }) => state === "bound");
  return new Map(bound.flatMap(({ address }) => {
    const counts = counted.get(address) ?? (counted.size < mostCountedClients ? noTraffic : undefined);
    return counts === undefined ? [] : [[formatIpv4(address), counts] as const];
  }));
}

const noTraffic: ClientTraffic = { out: { packets: 0, bytes: 0 }, in: { packets: 0, bytes: 0 } };

/** What no role need know to tell it. */
async function commonView(
  role: CommonView["role"],
  { history, applier, blocked, device }: MetricsSources<History>,
): Promise<Omit<CommonView, "states" | "state" | "ready">> {
  const counts = await blocked.totals();
  const tunnel = linkCounters(device);
  return {
    role,
    version,
    deno: Deno.version.deno,
    startedAt: performance.timeOrigin,
    residentBytes: Deno.memoryUsage().rss,
    transitions: history.counts,
    repairs: applier.repairs,
    blocked: counts,
    ...(tunnel === undefined ? {} : { tunnel }),
  };
}

function reply(body: string): HttpReply {
  return { status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8", body };
}
