/** Changes as requests of rtnetlink(7). Pure, but for the numbers of devices. */

import { type Ipv4, isIpv4, parseIpv4, toOctets } from "../addr/ipv4.ts";
import { type Ipv6, parseIpv6 } from "../addr/ipv6.ts";
import { parseMac } from "../addr/mac.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Change, ObservedAddress, ObservedRoute } from "../netstate/diff.ts";
import type { Address, Neighbor, PolicyRule, Route, RouteTable, VxlanLink } from "../netstate/state.ts";
import { AF_INET, AF_INET6, cString } from "./libc.ts";
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, type Request } from "./netlink.ts";
import { type Attribute, u32 } from "./netlink_message.ts";
import {
  forever,
  FRA,
  group,
  IFA,
  IFLA,
  IFLA_INFO,
  IFLA_VXLAN,
  interfaceUp,
  mainTable,
  NDA,
  onlinkFlag,
  permanent,
  protocol,
  routeType,
  RTA,
  RTAX,
  RTM,
  scope,
  sizes,
  toTable,
} from "./rtnetlink.ts";
import { showChange } from "./show_change.ts";

/** The number of a device by its name; throws when there is none. */
export type IndexOf = (device: string) => number;

/** What makes `change`, one after the other. */
export function changeRequests(change: Change, indexOf: IndexOf): Request[] {
  return requestsOf(change, indexOf).map((request) => ({ operation: showChange(change), ...request }));
}

type Unnamed = Omit<Request, "operation">;

function requestsOf(change: Change, indexOf: IndexOf): Unnamed[] {
  switch (change.kind) {
    case "delete link":
      return [{ type: RTM.deleteLink, ...link(change.name) }];
    case "add link":
      return [addLink(change.link, indexOf)];
    case "set link": {
      const { name, mac, mtu, remote } = change;
      const body = ownLink(name, [
        ...(mac === undefined ? [] : [{ type: IFLA.address, value: parseMac(mac) }]),
        ...(mtu === undefined ? [] : [{ type: IFLA.mtu, value: u32(mtu) }]),
      ]);
      const settings = { type: RTM.setLink, ...body };
      // The kernel takes no MTU together with a type.
      return remote === undefined
        ? [settings]
        : [settings, { type: RTM.newLink, ...link(name, [vxlanSettings([end(remote)])]) }];
    }
    case "delete address":
      return [{ type: RTM.deleteAddress, ...observedAddress(change.address, indexOf) }];
    case "set address":
      return [{ type: RTM.newAddress, flags: NLM_F_CREATE | NLM_F_REPLACE, ...address(change.address, indexOf) }];
    case "add route":
      return [{ type: RTM.newRoute, flags: NLM_F_CREATE | NLM_F_EXCL, ...route(change.route, protocol, indexOf) }];
    case "replace route":
      return [{ type: RTM.newRoute, flags: NLM_F_CREATE | NLM_F_REPLACE, ...route(change.route, protocol, indexOf) }];
    case "delete route":
      return [deleteRoute(change.route, indexOf)];
    case "add rule":
      return [{ type: RTM.newRule, flags: NLM_F_CREATE | NLM_F_EXCL, ...rule(change.rule) }];
    case "delete rule":
      return [{ type: RTM.deleteRule, ...rule(change.rule) }];
    case "set neighbor":
      return [{ type: RTM.newNeighbor, flags: NLM_F_CREATE | NLM_F_REPLACE, ...neighbor(change.neighbor, indexOf) }];
    case "delete neighbor":
      return [{ type: RTM.deleteNeighbor, ...neighbor(change.neighbor, indexOf) }];
  }
}

type Body = Pick<Request, "fixed" | "attributes">;

/** A struct of `size` bytes, written to by `write`. */
function struct(size: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return bytes;
}

function link(name: string, attributes: readonly Attribute[] = []): Body {
  return {
    fixed: new Uint8Array(sizes.link),
    attributes: [{ type: IFLA.name, value: cString(name) }, ...attributes],
  };
}

function addLink({ name, mac, mtu, id, port, uplink, local, remote }: VxlanLink, indexOf: IndexOf): Unnamed {
  const settings: Attribute[] = [
    { type: IFLA_VXLAN.id, value: u32(id) },
    { type: IFLA_VXLAN.port, value: struct(2, (view) => view.setUint16(0, port)) },
    { type: IFLA_VXLAN.link, value: u32(indexOf(uplink)) },
    { type: IFLA_VXLAN.local, value: ipv4(local) },
    // A client sends to its gateway and to nobody else: learning from whom frames come could only lead it astray.
    ...(remote === undefined ? [] : [end(remote), { type: IFLA_VXLAN.learning, value: Uint8Array.of(0) }]),
  ];
  const body = ownLink(name, [
    { type: IFLA.address, value: mac },
    { type: IFLA.mtu, value: u32(mtu) },
    vxlanSettings(settings),
  ]);
  return { type: RTM.newLink, flags: NLM_F_CREATE | NLM_F_EXCL, ...body };
}

function end(remote: Ipv4): Attribute {
  return { type: IFLA_VXLAN.remote, value: ipv4(remote) };
}

function vxlanSettings(settings: readonly Attribute[]): Attribute {
  return {
    type: IFLA.linkInfo,
    value: [{ type: IFLA_INFO.kind, value: cString("vxlan") }, { type: IFLA_INFO.data, value: settings }],
  };
}

/** One of ours, and up. `ifinfomsg`: family, type, index, flags, which of the flags are meant. */
function ownLink(name: string, attributes: readonly Attribute[]): Body {
  const fixed = struct(sizes.link, (view) => {
    view.setUint32(8, interfaceUp, true);
    view.setUint32(12, interfaceUp, true);
  });
  return { ...link(name, [...attributes, { type: IFLA.group, value: u32(group) }]), fixed };
}

function address({ device, address, prefixLength, validSeconds = forever }: Address, indexOf: IndexOf): Body {
  const life = struct(16, (view) => {
    view.setUint32(0, validSeconds, true);
    view.setUint32(4, validSeconds, true);
  });
  return {
    fixed: addressHeader(AF_INET, prefixLength, indexOf(device)),
    attributes: [
      { type: IFA.local, value: ipv4(address) },
      { type: IFA.address, value: ipv4(address) },
      { type: IFA.cacheInfo, value: life },
    ],
  };
}

function observedAddress({ device, family, address, prefixLength }: ObservedAddress, indexOf: IndexOf): Body {
  return {
    fixed: addressHeader(numberOf(family), prefixLength, indexOf(device)),
    attributes: [{ type: IFA.local, value: anyAddress(address) }],
  };
}

function addressHeader(family: number, prefixLength: number, index: number): Uint8Array {
  return struct(sizes.address, (view) => {
    view.setUint8(0, family);
    view.setUint8(1, prefixLength);
    view.setUint32(4, index, true);
  });
}

/** `rtmsg`: family, destination's length, source's length, TOS, table, protocol, scope, type, flags. */
function route({ destination, table, metric, hop }: Route, protocol: number, indexOf: IndexOf): Body {
  const onLink = destination.family === 4 && hop.kind === "device" && hop.via === undefined;
  const fixed = struct(sizes.route, (view) => {
    view.setUint8(0, numberOf(destination.family));
    view.setUint8(1, destination.length);
    view.setUint8(4, shortTable(table));
    view.setUint8(5, protocol);
    view.setUint8(6, onLink ? scope.link : scope.universe);
    view.setUint8(7, hop.kind === "unreachable" ? routeType.unreachable : routeType.unicast);
    view.setUint32(8, hop.kind === "device" && hop.onlink === true ? onlinkFlag : 0, true);
  });
  const attributes: Attribute[] = [
    ...(destination.length === 0 ? [] : [{ type: RTA.destination, value: prefixBytes(destination) }]),
    { type: RTA.table, value: u32(tableNumber(table)) },
    { type: RTA.priority, value: u32(metric) },
  ];
  if (hop.kind === "device") {
    attributes.push({ type: RTA.device, value: u32(indexOf(hop.device)) });
    if (hop.via !== undefined) attributes.push(via(hop.via));
    if (hop.source !== undefined) attributes.push({ type: RTA.source, value: anyAddress(hop.source) });
    if (hop.mtu !== undefined) attributes.push({ type: RTA.metrics, value: [{ type: RTAX.mtu, value: u32(hop.mtu) }] });
  }
  return { fixed, attributes };
}

/** The scope of what is to be deleted is of no matter, and where there are several next hops neither is the first. */
function deleteRoute(observed: ObservedRoute, indexOf: IndexOf): Unnamed {
  const { fixed, attributes = [] } = route(observed, observed.protocol, indexOf);
  fixed[6] = scope.nowhere;
  const ofHop: readonly number[] = [RTA.device, RTA.gateway, RTA.via, RTA.source, RTA.metrics];
  return {
    type: RTM.deleteRoute,
    fixed,
    attributes: observed.multipath ? attributes.filter(({ type }) => !ofHop.includes(type)) : attributes,
  };
}

/** As `readDumps` has it: an address, or `inet6 ADDRESS` behind an IPv4 route (RFC 5549). */
function via(text: string): Attribute {
  const [, router] = /^inet6 (.*)$/.exec(text) ?? [];
  if (router === undefined) return { type: RTA.gateway, value: anyAddress(text) };
  const family = struct(2, (view) => view.setUint16(0, AF_INET6, true));
  return { type: RTA.via, value: Uint8Array.of(...family, ...anyAddress(router)) };
}

/** `fib_rule_hdr`: family, destination's length, source's length, TOS, table, two reserved, action, flags. */
function rule({ family, priority, mark, from, to, ownToPort, table, exceptDefaults }: PolicyRule): Body {
  const source = from === undefined ? undefined : anyAddress(from);
  const fixed = struct(sizes.rule, (view) => {
    view.setUint8(0, numberOf(family));
    view.setUint8(1, to?.length ?? 0);
    view.setUint8(2, source === undefined ? 0 : 8 * source.length);
    view.setUint8(4, shortTable(table));
    view.setUint8(7, toTable);
  });
  return {
    fixed,
    attributes: [
      { type: FRA.priority, value: u32(priority) },
      ...(source === undefined ? [] : [{ type: FRA.source, value: source }]),
      ...(to === undefined ? [] : [{ type: FRA.destination, value: prefixBytes(to) }]),
      ...(ownToPort === undefined ? [] : [
        { type: FRA.incoming, value: cString("lo") },
        { type: FRA.destinationPorts, value: portRange(ownToPort) },
      ]),
      ...(mark === undefined ? [] : [{ type: FRA.mark, value: u32(mark) }]),
      ...(exceptDefaults === true ? [{ type: FRA.suppressPrefixLength, value: u32(0) }] : []),
      { type: FRA.table, value: u32(tableNumber(table)) },
      { type: FRA.protocol, value: Uint8Array.of(protocol) },
    ],
  };
}

/** `fib_rule_port_range`: the first and the last, in the order of bytes of this host. */
function portRange(port: number): Uint8Array {
  return struct(4, (view) => {
    view.setUint16(0, port, true);
    view.setUint16(2, port, true);
  });
}

/** `ndmsg`: family, padding, index, state, flags, type. */
function neighbor({ device, address, mac }: Neighbor, indexOf: IndexOf): Body {
  const fixed = struct(sizes.neighbor, (view) => {
    view.setUint8(0, AF_INET);
    view.setInt32(4, indexOf(device), true);
    view.setUint16(8, permanent, true);
  });
  return {
    fixed,
    attributes: [{ type: NDA.destination, value: ipv4(address) }, { type: NDA.hardware, value: mac }],
  };
}

function numberOf(family: 4 | 6): number {
  return family === 4 ? AF_INET : AF_INET6;
}

function tableNumber(table: RouteTable): number {
  return table === "main" ? mainTable : table;
}

/** What the struct's one byte holds: larger numbers stand in an attribute alone. */
function shortTable(table: RouteTable): number {
  const number = tableNumber(table);
  return number < 256 ? number : 0;
}

function ipv4(address: Ipv4): Uint8Array {
  return Uint8Array.from(toOctets(address));
}

function ipv6(address: Ipv6): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, index) => Number((address >> BigInt(8 * (15 - index))) & 0xffn));
}

function anyAddress(text: string): Uint8Array {
  return isIpv4(text) ? ipv4(parseIpv4(text)) : ipv6(parseIpv6(text));
}

function prefixBytes(prefix: Prefix): Uint8Array {
  return prefix.family === 4 ? ipv4(prefix.address) : ipv6(prefix.address);
}
