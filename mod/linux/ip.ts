/** What `ip` prints, as values; and changes, as lines for `ip -batch`. Pure. */

import { formatIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { formatMac, parseMac } from "../addr/mac.ts";
import { formatPrefix, parsePrefix, type Prefix } from "../addr/prefix.ts";
import type { Change, Observed, ObservedAddress, ObservedLink, ObservedRoute, ObservedRule } from "../netstate/diff.ts";
import type { Address, Neighbor, NextHop, PolicyRule, Route, RouteTable, VxlanLink } from "../netstate/state.ts";

/** The alias by which a device is known to be ours. */
export const alias = "pgw";
/** The protocol number of our routes and rules: free in iproute2's rt_protos, and 80 is what HTTP made memorable. */
export const protocol = 80;

/** What to ask `ip -N -details -json -batch -` for, per family; {@link parseObserved} reads the answers. */
export const queries = {
  4: "link show\naddress show\nroute show table all\nrule show\n",
  6: "address show\nroute show table all\nrule show\n",
} as const;
/** What may come behind the query of IPv4: a gateway has a neighbour for every lease, and does without. */
export const neighborQuery = "neighbor show nud permanent\n";

/** @param outputs what the {@link queries} printed; `6` is absent where the kernel has no IPv6 */
export function parseObserved(outputs: { readonly 4: string; readonly 6?: string }): Observed {
  const [links, addresses4, routes4, rules4, neighbors] = parseAnswers(outputs[4]);
  const [addresses6, routes6, rules6] = outputs[6] === undefined ? [] : parseAnswers(outputs[6]);
  return {
    links: each<LinkJson>(links).map(observedLink),
    addresses: [
      ...each<AddressesJson>(addresses4).flatMap((link) => observedAddresses(link, "inet")),
      ...each<AddressesJson>(addresses6).flatMap((link) => observedAddresses(link, "inet6")),
    ],
    routes: [
      ...each<RouteJson>(routes4).flatMap((route) => observedRoute(route, 4)),
      ...each<RouteJson>(routes6).flatMap((route) => observedRoute(route, 6)),
    ],
    rules: [
      ...each<RuleJson>(rules4).flatMap((rule) => observedRule(rule, 4)),
      ...each<RuleJson>(rules6).flatMap((rule) => observedRule(rule, 6)),
    ],
    neighbors: each<NeighborJson>(neighbors).flatMap(observedNeighbor),
  };
}

/** Each query's answer is a JSON array on a line of its own. */
function parseAnswers(output: string): unknown[] {
  return output.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** `ip` is the one who answers: its shape is taken as documented in the `...Json` types. */
function each<T>(answer: unknown): readonly T[] {
  return Array.isArray(answer) ? answer : [];
}

type LinkJson = {
  readonly ifname: string;
  readonly ifindex: number;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly link_type: string;
  readonly address?: string;
  readonly ifalias?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: {
      readonly id?: number;
      readonly port?: number;
      readonly link?: string;
      readonly local?: string;
      readonly remote?: string;
    };
  };
};

/** With `-N`, the hardware type is a number in brackets (ARPHRD_ETHER). */
const ethernet = "[1]";

function observedLink(link: LinkJson): ObservedLink {
  const { info_kind: kind, info_data: data } = link.linkinfo ?? {};
  return {
    name: link.ifname,
    index: link.ifindex,
    ours: link.ifalias === alias,
    up: link.flags.includes("UP"),
    mac: link.address ?? "",
    mtu: link.mtu,
    ethernet: link.link_type === ethernet,
    ...(kind === undefined ? {} : { kind }),
    ...(kind !== "vxlan" ? {} : {
      vxlan: {
        id: data?.id ?? 0,
        port: data?.port ?? 0,
        ...(data?.link === undefined ? {} : { uplink: data.link }),
        ...(data?.local === undefined ? {} : { local: data.local }),
        ...(data?.remote === undefined ? {} : { remote: data.remote }),
      },
    }),
  };
}

type AddressesJson = {
  readonly ifname: string;
  readonly addr_info?: readonly {
    readonly family: "inet" | "inet6";
    readonly local: string;
    readonly prefixlen: number;
    readonly scope: string;
    readonly valid_life_time: number;
  }[];
};

const forever = 0xffffffff;

function observedAddresses(link: AddressesJson, family: "inet" | "inet6"): ObservedAddress[] {
  return (link.addr_info ?? []).filter((info) => info.family === family && info.local !== undefined).map((info) => ({
    device: link.ifname,
    family: family === "inet" ? 4 : 6,
    address: info.local,
    prefixLength: info.prefixlen,
    scope: scopes[info.scope] ?? info.scope,
    ...(info.valid_life_time === forever ? {} : { validSeconds: info.valid_life_time }),
  }));
}

/** With `-N`, scopes are numbers (rtnetlink(7), `rtm_scope`). */
const scopes: Readonly<Record<string, string>> = { "0": "global", "253": "link", "254": "host" };

type HopJson = {
  readonly gateway?: string;
  readonly via?: { readonly family: string; readonly host: string };
  readonly dev?: string;
  readonly flags?: readonly string[];
};

type RouteJson = HopJson & {
  readonly type: string;
  readonly dst: string;
  readonly table: string;
  readonly protocol: string;
  readonly metric?: number;
  readonly prefsrc?: string;
  readonly metrics?: readonly { readonly mtu?: number }[];
  readonly nexthops?: readonly HopJson[];
};

/** `rtm_type` (rtnetlink(7)). */
const unicast = "1";
const unreachable = "7";
const mainTable = 254;
const localTable = 255;

/** None for what is no concern of ours: the table `local`, broadcast and blackhole routes. */
function observedRoute(route: RouteJson, family: 4 | 6): ObservedRoute[] {
  const hop = observedHop(route);
  if (Number(route.table) === localTable || hop === undefined) return [];
  return [{
    destination: destinationOf(route.dst, family),
    table: tableOf(route.table),
    metric: route.metric ?? 0,
    hop,
    protocol: Number(route.protocol),
    ours: Number(route.protocol) === protocol,
    multipath: (route.nexthops?.length ?? 0) > 1,
  }];
}

function observedHop(route: RouteJson): NextHop | undefined {
  if (route.type === unreachable) return { kind: "unreachable" };
  const { gateway, via, dev, flags } = route.nexthops?.[0] ?? route;
  if (route.type !== unicast || dev === undefined) return undefined;
  const next = gateway ?? (via === undefined ? undefined : `${via.family} ${via.host}`);
  const mtu = route.metrics?.find((metrics) => metrics.mtu !== undefined)?.mtu;
  return {
    kind: "device",
    device: dev,
    ...(next === undefined ? {} : { via: next }),
    ...(route.prefsrc === undefined ? {} : { source: route.prefsrc }),
    ...(flags?.includes("onlink") ? { onlink: true } : {}),
    ...(mtu === undefined ? {} : { mtu }),
  };
}

function destinationOf(text: string, family: 4 | 6): Prefix {
  if (text !== "default") return parsePrefix(text);
  return family === 4 ? { family, address: 0, length: 0 } : { family, address: 0n, length: 0 };
}

function tableOf(text: string): RouteTable {
  return Number(text) === mainTable ? "main" : Number(text);
}

type RuleJson = {
  readonly priority: number;
  readonly not?: null;
  readonly src: string;
  readonly srclen?: number;
  readonly dst?: string;
  readonly dstlen?: number;
  readonly fwmark?: string;
  readonly fwmask?: string;
  readonly table?: string;
  readonly suppress_prefixlen?: number;
  readonly protocol?: string;
};

/** Rules of our kind: a mark, a source address, destinations or nothing at all leads to a table. */
function observedRule(rule: RuleJson, family: 4 | 6): ObservedRule[] {
  if (rule.fwmask !== undefined || rule.srclen !== undefined || rule.table === undefined) return [];
  return [{
    family,
    priority: rule.priority,
    ...(rule.fwmark === undefined ? {} : { mark: Number(rule.fwmark) }),
    ...(rule.src === "all" ? {} : { from: rule.src }),
    ...(rule.dst === undefined ? {} : { to: prefixOf(rule.dst, rule.dstlen) }),
    table: tableOf(rule.table),
    ...(rule.suppress_prefixlen === 0 ? { exceptDefaults: true } : {}),
    ...(rule.not === undefined ? {} : { inverted: true }),
    ours: Number(rule.protocol) === protocol,
  }];
}

type NeighborJson = { readonly dst: string; readonly dev: string; readonly lladdr?: string };

function observedNeighbor({ dst, dev, lladdr }: NeighborJson): Neighbor[] {
  return lladdr === undefined ? [] : [{ device: dev, address: parseIpv4(dst), mac: parseMac(lladdr) }];
}

/** The lines of `ip -batch` that make `change`. */
export function renderChange(change: Change): string[] {
  switch (change.kind) {
    case "delete link":
      return [`link delete dev ${change.name}`];
    case "add link":
      return renderLink(change.link);
    case "set link": {
      const mac = change.mac === undefined ? "" : ` address ${change.mac}`;
      const mtu = change.mtu === undefined ? "" : ` mtu ${change.mtu}`;
      // The kernel takes no MTU together with a type.
      const end = change.remote === undefined
        ? []
        : [`link set dev ${change.name} type vxlan remote ${formatIpv4(change.remote)}`];
      return [`link set dev ${change.name}${mac}${mtu} alias ${alias} up`, ...end];
    }
    case "delete address":
      return [`address delete ${change.address.address}/${change.address.prefixLength} dev ${change.address.device}`];
    case "set address":
      return [`address replace ${renderAddress(change.address)}`];
    case "add route":
      return [`route add ${renderRoute(change.route)} proto ${protocol}`];
    case "replace route":
      return [`route replace ${renderRoute(change.route)} proto ${protocol}`];
    case "delete route":
      return [`route delete ${renderRoute(change.route, change.route.multipath)} proto ${change.route.protocol}`];
    case "add rule":
      return [`rule add ${renderRule(change.rule)}`];
    case "delete rule":
      return [`rule delete ${renderRule(change.rule)}`];
    case "set neighbor": {
      const { device, address, mac } = change.neighbor;
      return [`neighbor replace ${formatIpv4(address)} lladdr ${formatMac(mac)} dev ${device} nud permanent`];
    }
    case "delete neighbor":
      return [`neighbor delete ${formatIpv4(change.neighbor.address)} dev ${change.neighbor.device}`];
  }
}

/** The family whose `ip -4` or `ip -6` must make `change`: "default" and rules are of the family of the command. */
export function familyOf(change: Change): 4 | 6 {
  if ("route" in change) return change.route.destination.family;
  return "rule" in change ? change.rule.family : 4;
}

function renderLink({ name, mac, mtu, id, port, uplink, local, remote }: VxlanLink): string[] {
  // A client sends to its gateway and to nobody else: learning from whom frames come could only lead it astray.
  const end = remote === undefined ? "" : ` remote ${formatIpv4(remote)} nolearning`;
  return [
    `link add name ${name} address ${formatMac(mac)} mtu ${mtu} type vxlan id ${id} dstport ${port} dev ${uplink} ` +
    `local ${formatIpv4(local)}${end}`,
    // The kernel takes no alias from `link add`.
    `link set dev ${name} alias ${alias} up`,
  ];
}

function renderAddress({ device, address, prefixLength, validSeconds }: Address): string {
  const lifetime = validSeconds ?? "forever";
  return `${formatIpv4(address)}/${prefixLength} dev ${device} valid_lft ${lifetime} preferred_lft ${lifetime}`;
}

function renderRoute({ destination, table, metric, hop }: Route, withoutHop = false): string {
  const type = hop.kind === "unreachable" ? "unreachable " : "";
  const key = `${type}${formatPrefix(destination)}`;
  const where = `table ${table} metric ${metric}`;
  if (hop.kind === "unreachable" || withoutHop) return `${key} ${where}`;
  return [
    key,
    ...(hop.via === undefined ? [] : [`via ${hop.via}`]),
    `dev ${hop.device} ${where}`,
    ...(hop.source === undefined ? [] : [`src ${hop.source}`]),
    ...(hop.mtu === undefined ? [] : [`mtu ${hop.mtu}`]),
    ...(hop.onlink === true ? ["onlink"] : []),
  ].join(" ");
}

function prefixOf(address: string, length: number | undefined): Prefix {
  return parsePrefix(length === undefined ? address : `${address}/${length}`);
}

function renderRule({ priority, mark, from, to, table, exceptDefaults }: PolicyRule): string {
  return [
    `priority ${priority}`,
    // Without one of the two, `ip` wants to be told that all are meant.
    ...(from === undefined ? (mark === undefined ? ["from all"] : []) : [`from ${from}`]),
    ...(to === undefined ? [] : [`to ${formatPrefix(to)}`]),
    ...(mark === undefined ? [] : [`fwmark 0x${mark.toString(16)}`]),
    `lookup ${table}`,
    ...(exceptDefaults === true ? ["suppress_prefixlength 0"] : []),
    `protocol ${protocol}`,
  ].join(" ");
}
