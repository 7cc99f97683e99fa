/** Desired network state as text, a line for each thing, so that a test can be read and compared. */

import { formatIpv4 } from "../../../mod/addr/ipv4.ts";
import { formatMac } from "../../../mod/addr/mac.ts";
import { formatPrefix } from "../../../mod/addr/prefix.ts";
import type { Firewall, NetState, PolicyRule, Route, VxlanLink } from "../../../mod/netstate/state.ts";

/** All of `state`, in the order in which a packet of an application would ask for it. */
export function show(state: NetState): string[] {
  return [
    ...state.links.map(showLink),
    ...state.addresses.map(({ device, address, prefixLength, validSeconds }) =>
      `address  ${formatIpv4(address)}/${prefixLength} dev ${device}` +
      (validSeconds === undefined ? "" : ` for ${validSeconds} s`)
    ),
    ...(state.neighbors ?? []).map(({ device, address, mac }) =>
      `neighbor ${formatIpv4(address)} is ${formatMac(mac)} dev ${device}`
    ),
    ...state.routes.map(showRoute),
    ...(state.exclusive ?? []).map(({ destination, table }) => `only     ${formatPrefix(destination)} table ${table}`),
    ...state.rules.map(showRule),
    ...state.interfaceSettings.map(({ device, forwarding, rpFilter, acceptLocal, proxyArp }) =>
      `setting  ${device}` + (forwarding === undefined ? "" : ` forwarding=${forwarding}`) +
      (rpFilter === undefined ? "" : ` rp_filter=${rpFilter}`) +
      (acceptLocal === undefined ? "" : ` accept_local=${acceptLocal}`) +
      (proxyArp === undefined ? "" : ` proxy_arp=${proxyArp}`)
    ),
    ...showFirewall("v4", state.firewall.v4),
    ...showFirewall("v6", state.firewall.v6),
  ];
}

/** What is different: `- ` is in `before` alone, `+ ` in `after` alone. */
export function showChanges(before: NetState, after: NetState): string[] {
  const [old, new_] = [show(before), show(after)];
  return [
    ...old.filter((line) => !new_.includes(line)).map((line) => `- ${line}`),
    ...new_.filter((line) => !old.includes(line)).map((line) => `+ ${line}`),
  ];
}

/** The lines of a golden text, without its indentation and empty lines. */
export function lines(golden: string): string[] {
  return golden.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

function showLink({ name, id, port, uplink, local, remote, mac, mtu }: VxlanLink): string {
  const far = remote === undefined ? "" : ` remote ${formatIpv4(remote)}`;
  return `link     ${name} vxlan ${id} port ${port} dev ${uplink} local ${formatIpv4(local)}${far} ` +
    `mac ${formatMac(mac)} mtu ${mtu}`;
}

function showRoute({ destination, table, metric, hop }: Route): string {
  const way = hop.kind === "unreachable" ? "unreachable" : [
    ...(hop.via === undefined ? [] : [`via ${hop.via}`]),
    `dev ${hop.device}`,
    ...(hop.mtu === undefined ? [] : [`mtu ${hop.mtu}`]),
    ...(hop.onlink === true ? ["onlink"] : []),
  ].join(" ");
  return `route    ${formatPrefix(destination)} ${way}` + (metric === 0 ? "" : ` metric ${metric}`) +
    (table === "main" ? "" : ` table ${table}`);
}

function showRule({ family, priority, mark, from, to, ownToPort, table, exceptDefaults }: PolicyRule): string {
  return `rule     v${family} priority ${priority}` + (from === undefined ? "" : ` from ${from}`) +
    (to === undefined ? "" : ` to ${formatPrefix(to)}`) +
    (ownToPort === undefined ? "" : ` own to port ${ownToPort}`) +
    (mark === undefined ? "" : ` mark 0x${mark.toString(16)}`) + ` table ${table}` +
    (exceptDefaults === true ? " except defaults" : "");
}

function showFirewall(family: string, { chains }: Firewall): string[] {
  return chains.flatMap(({ table, name, hook, rules }) => [
    `chain    ${family} ${table} ${name} from ${hook}`,
    ...rules.map((rule) => `${family} ${table} ${name} ${rule}`),
  ]);
}
