/** The settings of a gateway's DHCP: a part of `table.ts`. */

import { parseIpv4 } from "../addr/ipv4.ts";
import { dhcpOptions } from "./dhcp_options.ts";
import type { Table } from "./setting.ts";
import { domain, listOf, oneOf, poolRange, wholeNumber } from "./values.ts";

const syncModes = ["off", "always"] as const;
const dhcpSeconds = (what: string) => wholeNumber(what, 1, 0xfffffffe);

export const dhcpTable = {
  dhcpLeaseSeconds: {
    variable: "PGW_DHCP_LEASE_TIME",
    metavar: "SECONDS",
    help: "How long a client may keep its address without asking again.",
    default: "43200",
    // The times to renew and to rebind are before its end, one after the other.
    parse: wholeNumber("a lease time in seconds", 3, 0xfffffffe),
  },
  dhcpRenewalSeconds: {
    variable: "PGW_DHCP_RENEWAL_TIME",
    metavar: "SECONDS",
    help: "When a client asks its gateway to renew the lease (T1), after it got it.",
    unset: "half of the lease time",
    parse: dhcpSeconds("a renewal time in seconds"),
  },
  dhcpRebindingSeconds: {
    variable: "PGW_DHCP_REBINDING_TIME",
    metavar: "SECONDS",
    help: "When a client whose renewal nobody answered asks every gateway (T2).",
    unset: "seven eighths of the lease time",
    parse: dhcpSeconds("a rebinding time in seconds"),
  },
  dhcpPool: {
    variable: "PGW_DHCP_POOL",
    metavar: "FIRST-LAST",
    help: "The addresses for clients: numbers of hosts in the network, or addresses.",
    unset: "from host 20 (host 2 in a /28 or /29) to the last",
    parse: poolRange,
  },
  dhcpReservations: {
    variable: "PGW_DHCP_RESERVATIONS",
    metavar: "PATH",
    help:
      "A file of addresses that are kept for certain clients, such as '172.29.0.100 name=media-0' (or mac=, id=) on each line. It is followed when it changes.",
    unset: "none",
    parse: (text: string) => text,
  },
  dhcpRouter: {
    variable: "PGW_DHCP_ROUTER",
    metavar: "ADDRESS",
    help: "The default router that clients are told.",
    unset: "the gateway",
    parse: parseIpv4,
  },
  dhcpDns: {
    variable: "PGW_DHCP_DNS",
    metavar: "ADDRESSES",
    help: "The nameservers that clients are told.",
    unset: "the gateway",
    parse: listOf(parseIpv4),
  },
  dhcpDomain: {
    variable: "PGW_DHCP_DOMAIN",
    metavar: "DOMAIN",
    help: "The domain that clients are told is theirs.",
    unset: "none",
    parse: domain,
  },
  dhcpSearch: {
    variable: "PGW_DHCP_SEARCH",
    metavar: "DOMAINS",
    help: "The domains in which clients are told to look for short names.",
    unset: "none",
    parse: listOf(domain),
  },
  dhcpMtu: {
    variable: "PGW_DHCP_MTU",
    metavar: "BYTES",
    help: "The MTU that clients are told, if it is smaller than what the tunnel carries.",
    unset: "what the tunnel carries",
    parse: wholeNumber("an MTU", 576, 65535),
  },
  dhcpNtp: {
    variable: "PGW_DHCP_NTP",
    metavar: "ADDRESSES",
    help: "The time servers that clients are told.",
    unset: "none",
    parse: listOf(parseIpv4),
  },
  dhcpOptions: {
    variable: "PGW_DHCP_OPTIONS",
    metavar: "OPTIONS",
    help:
      "Further DHCP options as dnsmasq writes them, parted by semicolons: '42,10.0.0.1; option:tftp-server,boot.lan'. Without a value, an option is not sent.",
    unset: "none",
    parse: dhcpOptions,
  },
  stateSync: {
    variable: "PGW_STATE_SYNC",
    metavar: "WHEN",
    help:
      "Whether a lease is on the disk before its client is told (always), so that a power cut loses none either, or with the system (off).",
    choices: syncModes,
    default: "off",
    parse: oneOf(syncModes),
  },
} as const satisfies Table;
