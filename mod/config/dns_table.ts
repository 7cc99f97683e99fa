/** The settings of a gateway's DNS: a part of `table.ts`. */

import type { Table } from "./setting.ts";
import { dnsRoutes, domain, listOf, upstream, wholeNumber, zoneName } from "./values.ts";

export const dnsTable = {
  dnsUpstreams: {
    variable: "PGW_DNS_UPSTREAMS",
    metavar: "LIST",
    help: "Resolvers of names outside the cluster: ADDRESS, ADDRESS:PORT, [IPv6]:PORT or tls://ADDRESS#NAME.",
    unset: "those in /etc/resolv.conf, followed when a VPN rewrites it; with a VPN interface never the cluster's",
    parse: listOf(upstream),
  },
  clusterDomain: {
    variable: "PGW_CLUSTER_DOMAIN",
    metavar: "DOMAIN",
    help: "The domain of the cluster's own names.",
    default: "cluster.local",
    parse: domain,
  },
  clusterNameservers: {
    variable: "PGW_CLUSTER_NAMESERVERS",
    metavar: "LIST",
    help: "Resolvers of the cluster's own names.",
    unset: "those in /etc/resolv.conf at the start",
    parse: listOf(upstream),
  },
  dnsRoutes: {
    variable: "PGW_DNS_ROUTES",
    metavar: "LIST",
    help: "Where names of some zones are asked: ZONE=SERVER[,SERVER], ZONE=cluster or ZONE=outside. The zone . is all.",
    unset: "cluster zones go to the cluster, all else outside",
    parse: dnsRoutes,
  },
  dnsRebindingAllow: {
    variable: "PGW_DNS_REBINDING_ALLOW",
    metavar: "ZONES",
    help:
      "Outside zones whose names may resolve to addresses of the cluster or the tunnel; other such answers are empty.",
    unset: "none",
    parse: listOf(zoneName),
  },
  dnsCacheMebibytes: {
    variable: "PGW_DNS_CACHE_SIZE",
    metavar: "MIB",
    help: "Memory for DNS answers that are kept, in MiB; 10 MiB hold about 100,000 names.",
    default: "16",
    parse: wholeNumber("a size in MiB", 1, 1024),
  },
  dnsMinimumTtl: {
    variable: "PGW_DNS_TTL_MIN",
    metavar: "SECONDS",
    help: "DNS answers are kept for at least this long.",
    default: "0",
    parse: wholeNumber("a time in seconds", 0, 86_400),
  },
  dnsMaximumTtl: {
    variable: "PGW_DNS_TTL_MAX",
    metavar: "SECONDS",
    help: "DNS answers are kept for at most this long; 0: nothing is kept.",
    default: "86400",
    parse: wholeNumber("a time in seconds", 0, 604_800),
  },
  dnsNegativeTtl: {
    variable: "PGW_DNS_TTL_NEGATIVE_MAX",
    metavar: "SECONDS",
    help: "That a name does not exist is believed for at most this long.",
    default: "3600",
    parse: wholeNumber("a time in seconds", 0, 604_800),
  },
  dnsStaleSeconds: {
    variable: "PGW_DNS_STALE_MAX",
    metavar: "SECONDS",
    help: "For how long an expired DNS answer may stand in while no resolver answers; 0: never.",
    default: "86400",
    parse: wholeNumber("a time in seconds", 0, 604_800),
  },
} as const satisfies Table;
