/** What rtnetlink(7) dumps tell of links, addresses, routes, rules and neighbours, as values. Pure. */

import { formatIpv4, fromOctets } from "../addr/ipv4.ts";
import { formatIpv6 } from "../addr/ipv6.ts";
import { formatMac } from "../addr/mac.ts";
import type { Prefix } from "../addr/prefix.ts";
import type { Observed, ObservedAddress, ObservedLink, ObservedRoute, ObservedRule } from "../netstate/diff.ts";
import type { Neighbor, NextHop, RouteTable } from "../netstate/state.ts";
import { AF_INET, AF_INET6 } from "./libc.ts";
import { type Attributes, decodeAttributes, type Message, readText, readU32 } from "./netlink_message.ts";
import {
  forever,
  FRA,
  group,
  IFA,
  IFLA,
  IFLA_INFO,
  IFLA_VXLAN,
  interfaceUp,
  inverted,
  localTable,
  mainTable,
  NDA,
  onlinkFlag,
  permanent,
  protocol,
  routeType,
  RTA,
  RTAX,
  sizes,
  toTable,
} from "./rtnetlink.ts";

/** The answers to a dump of each kind. */
export type Dumps = {
  readonly links: readonly Message[];
  readonly addresses: readonly Message[];
  readonly routes: readonly Message[];
  readonly rules: readonly Message[];
  readonly neighbors: readonly Message[];
};

/** The kernel is the one who answers: what it sends is taken as it is documented. */
export function readDumps(dumps: Dumps): Observed {
  const names = new Map(dumps.links.map((message) => {
    const { fixed, attributes } = parts(message, sizes.link);
    return [fixed.getInt32(4, true), readText(attributes.get(IFLA.name))];
  }));
  const nameOf = (index: number) => names.get(index) ?? `if${index}`;
  return {
    links: dumps.links.map((message) => readLink(message, nameOf)),
    addresses: dumps.addresses.flatMap((message) => readAddress(message, nameOf)),
    routes: dumps.routes.flatMap((message) => readRoute(message, nameOf)),
    rules: dumps.rules.flatMap(readRule),
    neighbors: dumps.neighbors.flatMap((message) => readNeighbor(message, nameOf)),
  };
}

type Parts = { readonly fixed: DataView; readonly attributes: Attributes };

/** The struct of `size` bytes, and what is behind it. */
function parts({ payload }: Message, size: number): Parts {
  return { fixed: viewOf(payload), attributes: decodeAttributes(payload.subarray(size)) };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** RFC 826: a device with Ethernet frames (`ARPHRD_ETHER`). */
const ethernet = 1;

function readLink(message: Message, nameOf: (index: number) => string): ObservedLink {
  const { fixed, attributes } = parts(message, sizes.link);
  const mac = attributes.get(IFLA.address);
  const info = decodeAttributes(attributes.get(IFLA.linkInfo));
  const kind = info.has(IFLA_INFO.kind) ? readText(info.get(IFLA_INFO.kind)) : undefined;
  return {
    name: readText(attributes.get(IFLA.name)),
    index: fixed.getInt32(4, true),
    ours: readU32(attributes.get(IFLA.group)) === group,
    up: (fixed.getUint32(8, true) & interfaceUp) !== 0,
    mac: mac === undefined ? "" : formatMac(mac),
    mtu: readU32(attributes.get(IFLA.mtu)) ?? 0,
    ethernet: fixed.getUint16(2, true) === ethernet,
    ...(kind === undefined ? {} : { kind }),
    ...(kind === "vxlan" ? { vxlan: readVxlan(decodeAttributes(info.get(IFLA_INFO.data)), nameOf) } : {}),
  };
}

function readVxlan(data: Attributes, nameOf: (index: number) => string): NonNullable<ObservedLink["vxlan"]> {
  const port = data.get(IFLA_VXLAN.port);
  const [uplink, local, remote] = [IFLA_VXLAN.link, IFLA_VXLAN.local, IFLA_VXLAN.remote].map((type) => data.get(type));
  return {
    id: readU32(data.get(IFLA_VXLAN.id)) ?? 0,
    port: port === undefined ? 0 : viewOf(port).getUint16(0),
    ...(uplink === undefined ? {} : { uplink: nameOf(viewOf(uplink).getInt32(0, true)) }),
    ...(local === undefined ? {} : { local: formatIpv4(fromOctets(local)) }),
    ...(remote === undefined ? {} : { remote: formatIpv4(fromOctets(remote)) }),
  };
}

const scopes: Readonly<Record<number, string>> = { 0: "global", 253: "link", 254: "host" };

/** `ifaddrmsg`: family, prefix length, flags, scope, index. */
function readAddress(message: Message, nameOf: (index: number) => string): ObservedAddress[] {
  const { fixed, attributes } = parts(message, sizes.address);
  const family = familyOf(fixed.getUint8(0));
  // Of a point-to-point link, `address` is the other end's.
  const address = attributes.get(IFA.local) ?? attributes.get(IFA.address);
  if (family === undefined || address === undefined) return [];
  const cacheInfo = attributes.get(IFA.cacheInfo);
  const validSeconds = cacheInfo === undefined ? forever : viewOf(cacheInfo).getUint32(4, true);
  return [{
    device: nameOf(fixed.getUint32(4, true)),
    family,
    address: formatAddress(address),
    prefixLength: fixed.getUint8(1),
    scope: scopes[fixed.getUint8(3)] ?? String(fixed.getUint8(3)),
    ...(validSeconds === forever ? {} : { validSeconds }),
  }];
}

/**
 * `rtmsg`: family, destination's length, source's length, TOS, table, protocol, scope, type, flags. None for what is no
 * concern of ours: the kernel's own in the table `local`, broadcast and blackhole routes.
 */
function readRoute(message: Message, nameOf: (index: number) => string): ObservedRoute[] {
  const { fixed, attributes } = parts(message, sizes.route);
  const family = familyOf(fixed.getUint8(0));
  const table = readU32(attributes.get(RTA.table)) ?? fixed.getUint8(4);
  const hops = readHops(fixed, attributes, nameOf);
  const [hop] = hops;
  const ours = fixed.getUint8(5) === protocol;
  if (family === undefined || (table === localTable && !ours) || hop === undefined) return [];
  return [{
    destination: readPrefix(family, attributes.get(RTA.destination), fixed.getUint8(1)),
    table: tableOf(table),
    metric: readU32(attributes.get(RTA.priority)) ?? 0,
    hop,
    protocol: fixed.getUint8(5),
    ours,
    multipath: hops.length > 1,
  }];
}

function readHops(fixed: DataView, attributes: Attributes, nameOf: (index: number) => string): NextHop[] {
  const type = fixed.getUint8(7);
  if (type === routeType.unreachable) return [{ kind: "unreachable" }];
  if (type !== routeType.unicast) return [];
  const source = attributes.get(RTA.source);
  const mtu = readU32(decodeAttributes(attributes.get(RTA.metrics)).get(RTAX.mtu));
  const hop = (device: number, flags: number, hopAttributes: Attributes): NextHop => ({
    kind: "device",
    device: nameOf(device),
    ...readVia(hopAttributes),
    ...(source === undefined ? {} : { source: formatAddress(source) }),
    ...((flags & onlinkFlag) === 0 ? {} : { onlink: true }),
    ...(mtu === undefined ? {} : { mtu }),
  });
  const multipath = attributes.get(RTA.multipath);
  if (multipath !== undefined) {
    return readNextHops(multipath).map(({ device, flags, attributes }) => hop(device, flags, attributes));
  }
  const device = readU32(attributes.get(RTA.device));
  return device === undefined ? [] : [hop(device, fixed.getUint32(8, true), attributes)];
}

/** `rtnexthop`: length, flags, weight, index, attributes; one behind the other. */
function readNextHops(bytes: Uint8Array) {
  const view = viewOf(bytes);
  const headerSize = 8;
  const hops: { readonly device: number; readonly flags: number; readonly attributes: Attributes }[] = [];
  for (let at = 0; at + headerSize <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < headerSize || at + length > bytes.length) break;
    hops.push({
      device: view.getInt32(at + 4, true),
      flags: view.getUint8(at + 2),
      attributes: decodeAttributes(bytes.subarray(at + headerSize, at + length)),
    });
    at += (length + 3) & ~3;
  }
  return hops;
}

/** An IPv4 route may go by way of an IPv6 router (RFC 5549): `inet6 fe80::1`, as `ip` has it. */
function readVia(attributes: Attributes): { via?: string } {
  const gateway = attributes.get(RTA.gateway);
  if (gateway !== undefined) return { via: formatAddress(gateway) };
  const via = attributes.get(RTA.via);
  return via === undefined ? {} : { via: `inet6 ${formatAddress(via.subarray(2))}` };
}

/**
 * `fib_rule_hdr`: family, destination's length, source's length, TOS, table, two reserved, action, flags. None but those
 * of our kind: a mark, a source address, destinations, an own packet's port or nothing at all leads to a table.
 */
function readRule(message: Message): ObservedRule[] {
  const { fixed, attributes } = parts(message, sizes.rule);
  const family = familyOf(fixed.getUint8(0));
  const mark = readU32(attributes.get(FRA.mark));
  const isWhole = (readU32(attributes.get(FRA.mask)) ?? wholeMask) === wholeMask;
  const [source, destination] = [attributes.get(FRA.source), attributes.get(FRA.destination)];
  const isOne = source === undefined || fixed.getUint8(2) === 8 * source.length;
  if (family === undefined || !isWhole || !isOne || fixed.getUint8(7) !== toTable) return [];
  return [{
    family,
    priority: readU32(attributes.get(FRA.priority)) ?? 0,
    ...(mark === undefined ? {} : { mark }),
    ...(source === undefined ? {} : { from: formatAddress(source) }),
    ...(destination === undefined ? {} : { to: readPrefix(family, destination, fixed.getUint8(1)) }),
    ...readOwnToPort(attributes),
    table: tableOf(readU32(attributes.get(FRA.table)) ?? fixed.getUint8(4)),
    ...(readU32(attributes.get(FRA.suppressPrefixLength)) === 0 ? { exceptDefaults: true } : {}),
    ...((fixed.getUint32(8, true) & inverted) === 0 ? {} : { inverted: true }),
    ours: attributes.get(FRA.protocol)?.[0] === protocol,
  }];
}

function readOwnToPort(attributes: Attributes): { ownToPort?: number } {
  const [incoming, ports] = [attributes.get(FRA.incoming), attributes.get(FRA.destinationPorts)];
  if (incoming === undefined || ports === undefined || readText(incoming) !== "lo") return {};
  return { ownToPort: viewOf(ports).getUint16(0, true) };
}

const wholeMask = 0xffffffff;

/** `ndmsg`: family, padding, index, state, flags, type. */
function readNeighbor(message: Message, nameOf: (index: number) => string): Neighbor[] {
  const { fixed, attributes } = parts(message, sizes.neighbor);
  const [address, mac] = [attributes.get(NDA.destination), attributes.get(NDA.hardware)];
  const isPermanent = (fixed.getUint16(8, true) & permanent) !== 0;
  if (fixed.getUint8(0) !== AF_INET || !isPermanent || address === undefined || mac?.length !== 6) return [];
  return [{ device: nameOf(fixed.getInt32(4, true)), address: fromOctets(address), mac: mac.slice() }];
}

function familyOf(family: number): 4 | 6 | undefined {
  return family === AF_INET ? 4 : family === AF_INET6 ? 6 : undefined;
}

function tableOf(table: number): RouteTable {
  return table === mainTable ? "main" : table;
}

function readPrefix(family: 4 | 6, address: Uint8Array | undefined, length: number): Prefix {
  return family === 4
    ? { family, address: address === undefined ? 0 : fromOctets(address), length }
    : { family, address: address === undefined ? 0n : toBigInt(address), length };
}

function formatAddress(bytes: Uint8Array): string {
  return bytes.length === 4 ? formatIpv4(fromOctets(bytes)) : formatIpv6(toBigInt(bytes));
}

function toBigInt(bytes: Uint8Array): bigint {
  return bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}
