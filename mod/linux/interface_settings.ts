/** Per-interface IPv4 settings by rtnetlink(7): with NET_ADMIN alone, where /proc/sys is read-only, as it is in a Pod. */

import type { InterfaceSettings } from "../netstate/state.ts";
import { AF_INET, cString } from "./libc.ts";
import type { Netlink } from "./netlink.ts";
import { type Attribute, findAttribute, u32 } from "./netlink_message.ts";
import { IFLA, RTM, sizes } from "./rtnetlink.ts";

/** linux/if_link.h, linux/ip.h. */
const IFLA_AF_SPEC = 26;
const IFLA_INET_CONF = 1;
const IPV4_DEVCONF_FORWARDING = 1;
const IPV4_DEVCONF_RP_FILTER = 8;
const IPV4_DEVCONF_PROXY_ARP_PVLAN = 25;

/** The settings of `device` as they are. */
export async function interfaceSettings(
  netlink: Netlink,
  device: string,
): Promise<{ readonly forwarding: boolean; readonly rpFilter: number; readonly proxyArp: boolean }> {
  const { payload } = await netlink.ask({
    operation: `reading the settings of ${device}`,
    type: RTM.getLink,
    fixed: new Uint8Array(sizes.link),
    attributes: [named(device)],
  });
  const settings = findAttribute(payload.subarray(sizes.link), [IFLA_AF_SPEC, AF_INET, IFLA_INET_CONF]);
  if (settings === undefined) return { forwarding: false, rpFilter: 0, proxyArp: false };
  const view = new DataView(settings.buffer, settings.byteOffset, settings.byteLength);
  // An array of numbers whose first has the index 1.
  const setting = (index: number) => view.getInt32(4 * (index - 1), true);
  return {
    forwarding: setting(IPV4_DEVCONF_FORWARDING) !== 0,
    rpFilter: setting(IPV4_DEVCONF_RP_FILTER),
    proxyArp: setting(IPV4_DEVCONF_PROXY_ARP_PVLAN) !== 0,
  };
}

/**
 * Sets what is given and leaves the rest.
 *
 * The reverse path filter in force is the stricter of the interface's and that of `conf/all`, which cannot be set here;
 * but 2 (loose) counts as more than 1 (strict), so that 2 always takes effect and 0 may not.
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
    ...(rpFilter === undefined ? [] : [{ type: IPV4_DEVCONF_RP_FILTER, value: u32(rpFilter) }]),
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
