/** Changes in the words of `ip`, for logs and errors. Pure. */

import { formatIpv4 } from "../addr/ipv4.ts";
import { formatMac } from "../addr/mac.ts";
import { formatPrefix } from "../addr/prefix.ts";
import type { Change } from "../netstate/diff.ts";
import type { Address, PolicyRule, Route, VxlanLink } from "../netstate/state.ts";
import { group, protocol } from "./rtnetlink.ts";

/** What one would tell `ip` to make `change`. */
export function showChange(change: Change): string {
  switch (change.kind) {
    case "delete link":
      return `link delete dev ${change.name}`;
    case "add link":
      return renderLink(change.link);
    case "set link": {
      const mac = change.mac === undefined ? "" : ` address ${change.mac}`;
      const mtu = change.mtu === undefined ? "" : ` mtu ${change.mtu}`;
      const end = change.remote === undefined
        ? ""
        : `; link set dev ${change.name} type vxlan remote ${formatIpv4(change.remote)}`;
      return `link set dev ${change.name}${mac}${mtu} group ${group} up${end}`;
    }
    case "delete address":
      return `address delete ${change.address.address}/${change.address.prefixLength} dev ${change.address.device}`;
    case "set address":
      return `address replace ${renderAddress(change.address)}`;
    case "add route":
      return `route add ${renderRoute(change.route)} proto ${protocol}`;
    case "replace route":
      return `route replace ${renderRoute(change.route)} proto ${protocol}`;
    case "delete route":
      return `route delete ${renderRoute(change.route, change.route.multipath)} proto ${change.route.protocol}`;
    case "add rule":
      return `rule add ${renderRule(change.rule)}`;
    case "delete rule":
      return `rule delete ${renderRule(change.rule)}`;
    case "set neighbor": {
      const { device, address, mac } = change.neighbor;
      return `neighbor replace ${formatIpv4(address)} lladdr ${formatMac(mac)} dev ${device} nud permanent`;
    }
    case "delete neighbor":
      return `neighbor delete ${formatIpv4(change.neighbor.address)} dev ${change.neighbor.device}`;
  }
}

function renderLink({ name, mac, mtu, id, port, uplink, local, remote }: VxlanLink): string {
  const end = remote === undefined ? "" : ` remote ${formatIpv4(remote)} nolearning`;
  return `link add name ${name} address ${formatMac(mac)} mtu ${mtu} group ${group} up type vxlan id ${id} ` +
    `dstport ${port} dev ${uplink} local ${formatIpv4(local)}${end}`;
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

function renderRule({ priority, mark, from, to, ownToPort, table, exceptDefaults }: PolicyRule): string {
  return [
    `priority ${priority}`,
    // Without one of the two, `ip` wants to be told that all are meant.
    ...(from === undefined ? (mark === undefined ? ["from all"] : []) : [`from ${from}`]),
    ...(to === undefined ? [] : [`to ${formatPrefix(to)}`]),
    ...(ownToPort === undefined ? [] : [`iif lo dport ${ownToPort}`]),
    ...(mark === undefined ? [] : [`fwmark 0x${mark.toString(16)}`]),
    `lookup ${table}`,
    ...(exceptDefaults === true ? ["suppress_prefixlength 0"] : []),
    `protocol ${protocol}`,
  ].join(" ");
}
