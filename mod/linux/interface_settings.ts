/** Per-interface IPv4 settings by rtnetlink(7): with NET_ADMIN alone, where /proc/sys is read-only, as it is in a Pod. */

import type { InterfaceSettings } from "../netstate/state.ts";
import { AF_INET, cString } from "./libc.ts";
import type { Netlink } from "./netlink.ts";
import { type Attribute, findAttribute, readU32, u32 } from "./netlink_message.ts";
import { IFLA, RTM, sizes } from "./rtnetlink.ts";

/** linux/if_link.h, linux/ip.h. */
const IFLA_AF_SPEC = 26;
const IFLA_INET_CONF = 1;
const IPV4_DEVCONF_FORWARDING = 1;
const IPV4_DEVCONF_RP_FILTER = 8;
const IPV4_DEVCONF_ACCEPT_LOCAL = 23;
const IPV4_DEVCONF_PROXY_ARP_PVLAN = 25;

/** linux/rtnetlink.h, linux/netconf.h. `conf/all` has no device but this number. */
const RTM_GETNETCONF = 82;
const NETCONFA_IFINDEX = 1;
const NETCONFA_RP_FILTER = 3;
const NETCONFA_IFINDEX_ALL = 0xffffffff;

/** Of IPV4_DEVCONF_RP_FILTER. */
const rpFilters = { off: 0, strict: 1, loose: 2 } as const;

export type ObservedSettings = {
  readonly forwarding: boolean;
  /** Whether reverse path filtering could let more through. */
  readonly isFiltered: boolean;
  readonly acceptLocal: boolean;
  readonly proxyArp: boolean;
};

/** The settings of `device` as they are. */
export async function interfaceSettings(netlink: Netlink, device: string): Promise<ObservedSettings> {
  const { payload } = await netlink.ask({
    operation: `reading the settings of ${device}`,
    type: RTM.getLink,
    fixed: new Uint8Array(sizes.link),
    attributes: [named(device)],
  });
  const settings = findAttribute(payload.subarray(sizes.link), [IFLA_AF_SPEC, AF_INET, IFLA_INET_CONF]);
  if (settings === undefined) return { forwarding: false, isFiltered: false, acceptLocal: false, proxyArp: false };
  const view = new DataView(settings.buffer, settings.byteOffset, settings.byteLength);
  // An array of numbers whose first has the index 1.
  const setting = (index: number) => view.getInt32(4 * (index - 1), true);
  return {
    forwarding: setting(IPV4_DEVCONF_FORWARDING) !== 0,
    isFiltered: setting(IPV4_DEVCONF_RP_FILTER) !== await leastRpFilter(netlink),
    acceptLocal: setting(IPV4_DEVCONF_ACCEPT_LOCAL) !== 0,
    proxyArp: setting(IPV4_DEVCONF_PROXY_ARP_PVLAN) !== 0,
  };
}

/**
 * What an interface must have for the least of reverse path filtering: in force is the larger of its own and that of
 * `conf/all`, which only a writable /proc/sys would set.
 */
async function leastRpFilter(netlink: Netlink): Promise<number> {
  const { payload } = await netlink.ask({
    operation: "reading net.ipv4.conf.all.rp_filter",
    type: RTM_GETNETCONF,
    fixed: Uint8Array.of(AF_INET, 0, 0, 0),
    attributes: [{ type: NETCONFA_IFINDEX, value: u32(NETCONFA_IFINDEX_ALL) }],
  });
  const ofAll = readU32(findAttribute(payload.subarray(4), [NETCONFA_RP_FILTER]));
  return ofAll === rpFilters.strict ? rpFilters.loose : rpFilters.off;
}

/**
 * Sets what is given and leaves the rest.
 *
 * @throws {MissingCapabilityError} without NET_ADMIN
 * @throws {SocketError} there is no such device (`ENODEV`)
 */
export async function setInterfaceSettings(
  netlink: Netlink,
  { device, forwarding, rpFilter, acceptLocal, proxyArp }: InterfaceSettings,
): Promise<void> {
  const settings: Attribute[] = [
    ...(forwarding === undefined ? [] : [{ type: IPV4_DEVCONF_FORWARDING, value: u32(forwarding ? 1 : 0) }]),
    ...(rpFilter === undefined ? [] : [{ type: IPV4_DEVCONF_RP_FILTER, value: u32(await leastRpFilter(netlink)) }]),
    ...(acceptLocal === undefined ? [] : [{ type: IPV4_DEVCONF_ACCEPT_LOCAL, value: u32(acceptLocal ? 1 : 0) }]),
    ...(proxyArp === undefined ? [] : [{ type: IPV4_DEVCONF_PROXY_ARP_PVLAN, value: u32(proxyArp ? 1 : 0) }]),
  ];
  await netlink.change({
    operation: `setting up ${device}`,
    type: RTM.setLink,
    fixed: new Uint8Array(sizes.link),
    attributes: [
      named(device),
      { type: IFLA_AF_SPEC, value: [{ type: AF_INET, value: [{ type: IFLA_INET_CONF, value: settings }] }] },
    ],
  });
}

function named(device: string): Attribute {
  return { type: IFLA.name, value: cString(device) };
}
