/** Per-interface IPv4 settings by rtnetlink(7): with NET_ADMIN alone, where /proc/sys is read-only, as it is in a Pod. */

import { MissingCapabilityError } from "../errors.ts";
import type { InterfaceSettings } from "../netstate/state.ts";
import { AF_INET, AF_NETLINK, cString, libc, SOCK_CLOEXEC, SOCK_RAW } from "./libc.ts";
import { type Attribute, decodeMessages, encodeMessage, findAttribute, type Message, u32 } from "./netlink_message.ts";
import { check, SocketError } from "./socket_error.ts";

/** linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/ip.h. */
const NETLINK_ROUTE = 0;
export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
const NLMSG_ERROR = 2;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
const IFLA_IFNAME = 3;
const IFLA_AF_SPEC = 26;
const IFLA_INET_CONF = 1;
const IPV4_DEVCONF_FORWARDING = 1;
const IPV4_DEVCONF_RP_FILTER = 8;
const IPV4_DEVCONF_PROXY_ARP_PVLAN = 25;
const ifinfomsgSize = 16;
const EPERM = 1;

/** The number of the interface `name`; `undefined`: there is none. One that was made anew has another. */
export function interfaceIndex(name: string): number | undefined {
  const index = libc.if_nametoindex(cString(name));
  return index === 0 ? undefined : index;
}

/** The settings of `device` as they are. */
export function interfaceSettings(
  device: string,
): { readonly forwarding: boolean; readonly rpFilter: number; readonly proxyArp: boolean } {
  const { payload } = request(`reading the settings of ${device}`, RTM_GETLINK, NLM_F_REQUEST, [named(device)]);
  const settings = findAttribute(payload.subarray(ifinfomsgSize), [IFLA_AF_SPEC, AF_INET, IFLA_INET_CONF]);
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
export function setInterfaceSettings({ device, forwarding, rpFilter, proxyArp }: InterfaceSettings): void {
  const settings: Attribute[] = [
    ...(forwarding === undefined ? [] : [{ type: IPV4_DEVCONF_FORWARDING, value: u32(forwarding ? 1 : 0) }]),
    ...(rpFilter === undefined ? [] : [{ type: IPV4_DEVCONF_RP_FILTER, value: u32(rpFilter) }]),
    ...(proxyArp === undefined ? [] : [{ type: IPV4_DEVCONF_PROXY_ARP_PVLAN, value: u32(proxyArp ? 1 : 0) }]),
  ];
  request(`setting up ${device}`, RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, [
    named(device),
    { type: IFLA_AF_SPEC, value: [{ type: AF_INET, value: [{ type: IFLA_INET_CONF, value: settings }] }] },
  ]);
}

function named(device: string): Attribute {
  return { type: IFLA_IFNAME, value: cString(device) };
}

/**
 * One request and its answer. The kernel has answered by the time that it has taken the request.
 *
 * @param fixed the struct of the message type: an `ifinfomsg` of zeros, unless given
 */
export function request(
  operation: string,
  type: number,
  flags: number,
  attributes: readonly Attribute[],
  fixed = new Uint8Array(ifinfomsgSize),
): Message {
  const fd = check("socket(AF_NETLINK)", libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  try {
    const message = encodeMessage({ type, flags, sequence: 1 }, fixed, attributes);
    const kernel = new Uint8Array(12);
    kernel[0] = AF_NETLINK;
    check(operation, libc.sendto(fd, message, BigInt(message.length), 0, kernel, kernel.length));
    const answer = new Uint8Array(16_384);
    const length = check(operation, libc.recv(fd, answer, BigInt(answer.length), 0));
    const first = decodeMessages(answer.subarray(0, length))[0];
    if (first === undefined) throw new SocketError(operation, 0);
    refuse(operation, first);
    return first;
  } finally {
    libc.close(fd);
  }
}

/** An acknowledgement is an error message with the number 0. */
export function refuse(operation: string, { type, payload }: Message): void {
  if (type !== NLMSG_ERROR) return;
  const number = -new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getInt32(0, true);
  if (number === 0) return;
  const error = new SocketError(operation, number);
  throw number === EPERM ? new MissingCapabilityError("NET_ADMIN", error) : error;
}
