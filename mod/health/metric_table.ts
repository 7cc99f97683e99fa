/** All metrics there are, in the order of the answer; docs/operations.md has its tables from here. */

import { counter, gauge, histogram } from "./metrics.ts";

export const commonMetrics = {
  build: gauge("pgw_build_info", "Which program this is; always 1.", "role", "version", "deno"),
  startTime: gauge("process_start_time_seconds", "When the process began, in seconds since 1970."),
  memory: gauge("process_resident_memory_bytes", "Memory that the process has in use, what it shares with others too."),
  state: gauge("pgw_state", "1 for the state that holds, 0 for all others.", "state"),
  ready: gauge("pgw_ready", "Whether GET /readyz says yes: 1 or 0."),
  transitions: counter(
    "pgw_transitions_total",
    "How often a state was entered, and why: start, progress, retry, or the word for what went wrong.",
    "state",
    "cause",
  ),
  repairs: counter(
    "pgw_network_repairs_total",
    "How often links, addresses, routes or rules that others had changed were put back.",
  ),
  blockedPackets: counter(
    "pgw_blocked_packets_total",
    "Packets that the firewall rules of pgw turned away, by what was done and where they were going.",
    "action",
    "direction",
  ),
  blockedBytes: counter("pgw_blocked_bytes_total", "Bytes of those packets.", "action", "direction"),
  tunnelBytes: counter(
    "pgw_tunnel_bytes_total",
    "Bytes of the frames that the tunnel's device received and transmitted, since the device was made.",
    "direction",
  ),
  tunnelPackets: counter("pgw_tunnel_packets_total", "Frames that it received and transmitted.", "direction"),
  tunnelErrors: counter("pgw_tunnel_errors_total", "Frames that it could not take or send.", "direction"),
  tunnelDropped: counter("pgw_tunnel_dropped_total", "Frames that it dropped.", "direction"),
} as const;

export const clientMetrics = {
  gateway: gauge("pgw_client_gateway_info", "The gateway that the tunnel leads to, by its Pod address.", "gateway"),
  leaseExpiry: gauge(
    "pgw_client_lease_expiry_time_seconds",
    "When the lease of the client's address ends if it is not renewed, in seconds since 1970.",
  ),
  probes: counter("pgw_client_probes_total", "Probes sent to the gateway through the tunnel."),
  probeAnswers: counter("pgw_client_probe_answers_total", "Probes that were answered in time."),
  probeTime: histogram("pgw_client_probe_seconds", "How long the answers to probes took."),
  outages: histogram(
    "pgw_client_outage_seconds",
    "From a gateway's last sign of life to the open Pod: what an application noticed was as long or shorter.",
  ),
  reconnects: histogram("pgw_client_reconnect_seconds", "From the closed Pod to the open one."),
} as const;

export const gatewayMetrics = {
  check: gauge("pgw_health_check_ok", "Whether what a gateway needs to be ready is well: 1 or 0.", "check"),
  dhcpMessages: counter("pgw_dhcp_messages_total", "DHCP messages taken, by what became of them.", "result"),
  dhcpAddresses: gauge("pgw_dhcp_addresses", "Addresses of the pool: free, or the state of their lease.", "state"),
  clientBytes: counter(
    "pgw_gateway_client_bytes_total",
    "Bytes forwarded for a client that has a lease, by its address in the overlay; out: from it, in: to it.",
    "client",
    "direction",
  ),
  clientPackets: counter("pgw_gateway_client_packets_total", "Packets of that.", "client", "direction"),
  dnsQueries: counter("pgw_dns_queries_total", "DNS questions of clients."),
  dnsResults: counter(
    "pgw_dns_results_total",
    "What became of them. One may count twice: asked, and in the end answered with what was stale.",
    "result",
  ),
  dnsPending: gauge("pgw_dns_pending_questions", "Questions that wait for an upstream's answer."),
  cacheEntries: gauge("pgw_dns_cache_entries", "Answers in the DNS cache."),
  cacheBytes: gauge("pgw_dns_cache_bytes", "Memory that they use."),
  cacheEvictions: counter("pgw_dns_cache_evictions_total", "Answers that made way for others before they expired."),
  upstreamUp: gauge("pgw_dns_upstream_up", "Whether a DNS upstream is taken to be alive: 1 or 0.", "route", "upstream"),
  upstreamAsked: counter("pgw_dns_upstream_questions_total", "Questions sent to it.", "route", "upstream"),
  upstreamFailed: counter("pgw_dns_upstream_failures_total", "Questions that could not be sent.", "route", "upstream"),
  upstreamTime: histogram("pgw_dns_upstream_seconds", "How long its answers took.", "route", "upstream"),
} as const;
