/** Numbers of rtnetlink(7) that both reading and changing use: linux/rtnetlink.h and what it includes. */

/** Message types. */
export const RTM = {
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  setLink: 19,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26,
  newNeighbor: 28,
  deleteNeighbor: 29,
  getNeighbor: 30,
  newRule: 32,
  deleteRule: 33,
  getRule: 34,
} as const;

/** Attributes of links (`IFLA_`), of what kind they are (`IFLA_INFO_`), and of VXLAN devices (`IFLA_VXLAN_`). */
export const IFLA = { address: 1, name: 3, mtu: 4, linkInfo: 18, group: 27 } as const;
export const IFLA_INFO = { kind: 1, data: 2 } as const;
export const IFLA_VXLAN = { id: 1, remote: 2, link: 3, local: 4, learning: 7, port: 15 } as const;
/** Attributes of addresses. */
export const IFA = { address: 1, local: 2, cacheInfo: 6 } as const;
/** Attributes of routes. */
export const RTA = {
  destination: 1,
  device: 4,
  gateway: 5,
  priority: 6,
  source: 7,
  metrics: 8,
  multipath: 9,
  table: 15,
  via: 18,
} as const;
/** Of a route's metrics. */
export const RTAX = { mtu: 2 } as const;
/** Attributes of rules. */
export const FRA = {
  destination: 1,
  source: 2,
  incoming: 3,
  priority: 6,
  mark: 10,
  suppressPrefixLength: 14,
  table: 15,
  mask: 16,
  protocol: 21,
  destinationPorts: 24,
} as const;
/** Attributes of neighbours. */
export const NDA = { destination: 1, hardware: 2 } as const;

/** The sizes of the structs in front of the attributes. */
export const sizes = { link: 16, address: 8, route: 12, rule: 12, neighbor: 12 } as const;

/** The family of what is no IP, such as a VXLAN device's FDB. */
export const AF_BRIDGE = 7;
export const RTMGRP_NEIGH = 0x4;
/** An FDB entry is the device's own, and not that of a bridge that it is in. */
export const NTF_SELF = 0x02;
/** Such an entry is set, and nobody is asked whether it still holds. */
export const NUD_NOARP = 0x40;
export const interfaceUp = 1;
/** `NUD_PERMANENT` */
export const permanent = 0x80;
/** `RTNH_F_ONLINK` */
export const onlinkFlag = 4;
export const mainTable = 254;
export const localTable = 255;
export const routeType = { unicast: 1, unreachable: 7 } as const;
/** `RT_SCOPE_`; `nowhere` in a route to be deleted stands for any. */
export const scope = { universe: 0, link: 253, host: 254, nowhere: 255 } as const;
/** `FR_ACT_TO_TBL` */
export const toTable = 1;
/** `FIB_RULE_INVERT` */
export const inverted = 2;
/** Seconds of an address that does not end. */
export const forever = 0xffffffff;

/**
 * What marks what is ours: the group of devices, the protocol of routes and rules. The kernel takes both together with
 * what is made, so that no instant, and no end of this process, leaves something of ours unmarked (an alias would come
 * second). Free in iproute2's rt_protos, and 80 is what HTTP made memorable.
 */
export const protocol = 80;
export const group = protocol;
/** `RTPROT_RA`: of the routes that a router's advertisements (RFC 4861) made. */
export const advertised = 9;
