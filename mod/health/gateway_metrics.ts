/** What a gateway answers to GET /metrics. */

import type { ForwarderStats } from "../dns/forwarder_config.ts";
import type { ClientTraffic } from "../netstate/client_traffic.ts";
import { commonFamilies, type CommonView, single } from "./common_metrics.ts";
import { gatewayMetrics as m } from "./metric_table.ts";
import { type Family, renderMetrics, type Sample } from "./metrics.ts";

export type GatewayMetricsView = CommonView & {
  readonly checks: ReadonlyMap<string, boolean>;
  /** DHCP messages by what became of them. */
  readonly dhcpMessages: ReadonlyMap<string, number>;
  /** Numbers of addresses by state. */
  readonly addresses: Readonly<Record<string, number>>;
  readonly dns: ForwarderStats;
  /** By address, of clients that have a lease. */
  readonly traffic: ReadonlyMap<string, ClientTraffic>;
};

export function gatewayMetricsText(view: GatewayMetricsView): string {
  return renderMetrics([...commonFamilies(view), ...serviceFamilies(view)]);
}

function serviceFamilies({ checks, dhcpMessages, addresses, dns, traffic }: GatewayMetricsView): Family[] {
  return [
    [m.check, [...checks].map(([check, isWell]): Sample => [[check], isWell ? 1 : 0])],
    [m.dhcpMessages, [...dhcpMessages].map(([result, count]): Sample => [[result.replaceAll(" ", "_")], count])],
    [m.dhcpAddresses, Object.entries(addresses).map(([state, count]): Sample => [[state], count])],
    [m.clientBytes, trafficSamples(traffic, "bytes")],
    [m.clientPackets, trafficSamples(traffic, "packets")],
    [m.dnsQueries, single(dns.queries)],
    [m.dnsResults, dnsResults(dns)],
    [m.dnsPending, single(dns.pending)],
    [m.cacheEntries, single(dns.cacheEntries)],
    [m.cacheBytes, single(dns.cacheUsedBytes)],
    [m.cacheEvictions, single(dns.cacheEvictions)],
    ...upstreamFamilies(dns.upstreams),
  ];
}

function trafficSamples(traffic: GatewayMetricsView["traffic"], value: "bytes" | "packets"): Sample[] {
  return [...traffic].flatMap(([client, counts]) =>
    (["out", "in"] as const).map((direction): Sample => [[client, direction], counts[direction][value]])
  );
}

function dnsResults(dns: ForwarderStats): Sample[] {
  const results = {
    cached: dns.cacheHits,
    stale: dns.staleAnswers,
    local: dns.localAnswers,
    joined: dns.joined,
    asked: dns.forwarded,
    prefetched: dns.prefetched,
    failed: dns.failures,
    malformed: dns.malformedQueries,
    mismatched: dns.mismatchedResponses,
    rebinding_blocked: dns.rebindingBlocked,
    loop: dns.loops,
    overload: dns.overload,
  };
  return Object.entries(results).map(([result, count]) => [[result], count]);
}

function upstreamFamilies(upstreams: ForwarderStats["upstreams"]): Family[] {
  const each = (value: (upstream: ForwarderStats["upstreams"][number]) => Sample[1]): Sample[] =>
    upstreams.map((upstream) => [[upstream.route, upstream.name], value(upstream)]);
  return [
    [m.upstreamUp, each(({ isDead }) => isDead ? 0 : 1)],
    [m.upstreamAsked, each(({ asked }) => asked)],
    [m.upstreamFailed, each(({ failed }) => failed)],
    [m.upstreamTime, each(({ latency }) => latency)],
  ];
}
