/** What went through a network interface: `rtnl_link_stats64` of linux/if_link.h. */

import type { DirectionCounters, LinkCounters } from "../netstate/link_counters.ts";
import { cString } from "./libc.ts";
import { askAtOnce } from "./netlink.ts";
import { findAttribute } from "./netlink_message.ts";
import { IFLA, RTM, sizes } from "./rtnetlink.ts";
import { SocketError } from "./socket_error.ts";

const IFLA_STATS64 = 23;

/** The counters of `device` since it was made; `undefined`: there is no such device. */
export function linkCounters(device: string): LinkCounters | undefined {
  try {
    const { payload } = askAtOnce({
      operation: `reading the counters of ${device}`,
      type: RTM.getLink,
      fixed: new Uint8Array(sizes.link),
      attributes: [{ type: IFLA.name, value: cString(device) }],
    });
    const stats = findAttribute(payload.subarray(sizes.link), [IFLA_STATS64]);
    return stats === undefined ? undefined : readStats(stats);
  } catch (error) {
    if (error instanceof SocketError) return undefined;
    throw error;
  }
}

/** Received and transmitted by turns: packets, bytes, errors, dropped. */
function readStats(stats: Uint8Array): LinkCounters {
  const view = new DataView(stats.buffer, stats.byteOffset, stats.byteLength);
  const value = (index: number) => Number(view.getBigUint64(8 * index, true));
  const direction = (first: 0 | 1): DirectionCounters => ({
    packets: value(first),
    bytes: value(first + 2),
    errors: value(first + 4),
    dropped: value(first + 6),
  });
  return { receive: direction(0), transmit: direction(1) };
}
