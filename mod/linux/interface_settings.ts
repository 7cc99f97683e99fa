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
  readonly rpFilter: number;
  readonly isStrict: boolean;
  readonly proxyArp: boolean;
};

/**
 * The settings of `device` as they are. The reverse path filter in force is the larger of `rpFilter` and that of `conf/all`,
 * which only a writable /proc/sys would set: `isStrict` tells whether that is the strict one.
 */
export async function interfaceSettings(
  netlink: Netlink,
  device: string,
): Promise<ObservedSettings> {
  const { payload } = await netlink.ask({
    operation: `reading the settings of ${device}`,
    type: RTM.getLink,
    fixed: new Uint8Array(sizes.link),
    attributes: [named(device)],
  });
  const settings = findAttribute(payload.subarray(sizes.link), [IFLA_AF_SPEC, AF_INET, IFLA_INET_CONF]);
  if (settings === undefined) return { forwarding: false, rpFilter: rpFilters.off, isStrict: false, proxyArp: false };
  const view = new DataView(settings.buffer, settings.byteOffset, settings.byteLength);
  // An array of numbers whose first has the index 1.
  const setting = (index: number) => view.getInt32(4 * (index - 1), true);
  const rpFilter = setting(IPV4_DEVCONF_RP_FILTER);
  return {
    forwarding: setting(IPV4_DEVCONF_FORWARDING) !== 0,
    rpFilter,
    isStrict: Math.max(rpFilter, await rpFilterOfAll(netlink)) === rpFilters.strict,
    proxyArp: setting(IPV4_DEVCONF_PROXY_ARP_PVLAN) !== 0,
  };
}

async function rpFilterOfAll(netlink: Netlink): Promise<number> {
  const { payload } = await netlink.ask({
    operation: "reading net.ipv4.conf.all.rp_filter",
    type: RTM_GETNETCONF,
    fixed: Uint8Array.of(AF_INET, 0, 0, 0),
    attributes: [{ type: NETCONFA_IFINDEX, value: u32(NETCONFA_IFINDEX_ALL) }],
  });
  return readU32(findAttribute(payload.subarray(4), [NETCONFA_RP_FILTER])) ?? rpFilters.off;
}

/**
 * Sets what is given and leaves the rest.
 *
 * @throws {MissingCapabilityError} without NET_ADMIN
 * @throws {SocketError} there is no such device (`ENODEV`)
 */
export async function setInterfaceSettings(
  netlink: Netlink,
  { device, forwarding, rpFilter, proxyArp }: InterfaceSettings,
): Promise<void> {
  const settings: Attribute[] = [
    ...(forwarding === undefined ? [] : [{ type: IPV4_DEVCONF_FORWARDING, value: u32(forwarding ? 1 : 0) }]),
    ...(rpFilter === undefined ? [] : [{ type: IPV4_DEVCONF_RP_FILTER, value: u32(rpFilters[rpFilter]) }]),
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
