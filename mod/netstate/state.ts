/**
 * Desired network state: what the kernel should hold, as a plain value. Nothing here runs a command; `netstate/client.ts`
 * and `netstate/gateway.ts` compute such values, `linux/reconcile.ts` makes the kernel agree with them.
 */

import type { Ipv4 } from "../addr/ipv4.ts";
import type { Mac } from "../addr/mac.ts";
import type { Prefix } from "../addr/prefix.ts";

/** Everything of ours that the kernel should hold in this network namespace. */
export type NetState = {
  readonly links: readonly VxlanLink[];
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
  /** Where only `routes` may lead: any other route to just this destination is removed, whoever made it. */
  readonly exclusive?: readonly RouteKey[];
  readonly rules: readonly PolicyRule[];
  /** Absent: those on our devices are looked after elsewhere, as a gateway's are with its leases. */
  readonly neighbors?: readonly Neighbor[];
  /** Per-interface switches that need no writable /proc/sys (IFLA_INET_CONF). IPv4 only: there are none for IPv6. */
  readonly interfaceSettings: readonly InterfaceSettings[];
  readonly firewall: { readonly v4: Firewall; readonly v6: Firewall };
};

/** Nothing of ours. */
export const nothing: NetState = {
  links: [],
  addresses: [],
  routes: [],
  rules: [],
  neighbors: [],
  interfaceSettings: [],
  firewall: { v4: { chains: [] }, v6: { chains: [] } },
};

/** A VXLAN device (RFC 7348). `remote` absent: a gateway, which learns where its clients are. */
export type VxlanLink = {
  readonly name: string;
  /** VNI, 1 to 16,777,215. */
  readonly id: number;
  /** UDP port of the underlay. */
  readonly port: number;
  /** The underlay's interface. */
  readonly uplink: string;
  readonly local: Ipv4;
  readonly remote?: Ipv4;
  readonly mac: Mac;
  readonly mtu: number;
};

export type Address = {
  readonly device: string;
  readonly address: Ipv4;
  readonly prefixLength: number;
  /** Seconds until the kernel itself removes it; absent: never. So a lease ends even when `pgw` is not there to see it. */
  readonly validSeconds?: number;
};

/** `main` or the number of a table of ours. */
export type RouteTable = "main" | number;

export type RouteKey = { readonly destination: Prefix; readonly table: RouteTable };

export type Route = RouteKey & {
  readonly metric: number;
  readonly hop: NextHop;
};

export type NextHop =
  /** `via` absent: on-link. Addresses are text because either family may stand here. */
  | {
    readonly kind: "device";
    readonly device: string;
    readonly via?: string;
    /** The address that the kernel prefers as source (`src`). */
    readonly source?: string;
    readonly onlink?: boolean;
    readonly mtu?: number;
  }
  | { readonly kind: "unreachable" };

/** `ip rule`: packets that match are routed by `table`. */
export type PolicyRule = {
  readonly family: 4 | 6;
  readonly priority: number;
  /** Absent: whatever mark a packet has. */
  readonly mark?: number;
  /** The source address as text; absent: any, and none. */
  readonly from?: string;
  /** The destinations; absent: any. */
  readonly to?: Prefix;
  /** For what this host itself sends to this port, by UDP or TCP (`iif lo dport`). */
  readonly ownToPort?: number;
  readonly table: RouteTable;
  /** The table's default routes do not count (`suppress_prefixlength 0`): where it has no other, later rules are asked. */
  readonly exceptDefaults?: true;
};

/** A permanent neighbour (ARP) entry. */
export type Neighbor = { readonly device: string; readonly address: Ipv4; readonly mac: Mac };

export type InterfaceSettings = {
  readonly device: string;
  readonly forwarding?: boolean;
  /** No reverse path filtering (RFC 3704), or where all interfaces have the strict one, the loose. */
  readonly rpFilter?: "off";
  /** Whether packets are heard whose source is an address of this host's. */
  readonly acceptLocal?: boolean;
  /** Whether it answers ARP for hosts that are reached by the interface that they are asked for on (RFC 3069). */
  readonly proxyArp?: boolean;
};

/** One family's tables. Chains are ours alone, with the prefix `PGW-`; each is replaced whole. */
export type Firewall = { readonly chains: readonly Chain[] };

export type Chain = {
  readonly table: "filter" | "nat" | "mangle" | "raw";
  /** `PGW-...` */
  readonly name: string;
  /** The built-in chain whose first rule jumps here. */
  readonly hook: "INPUT" | "OUTPUT" | "FORWARD" | "PREROUTING" | "POSTROUTING";
  /** One at least, in the syntax of `iptables-restore`, without `-A CHAIN`: `-o lo -j RETURN`. */
  readonly rules: readonly string[];
};
