/** What a DHCP server's socket gets: a UDP socket does not tell whose frame a datagram came in, but a filter sees it. */

import type { FilterInstruction } from "./socket_filter.ts";

const udpHeader = 8;
/** The fields `giaddr` and `chaddr` (RFC 2131 section 2). */
const giaddr = udpHeader + 24;
const chaddr = udpHeader + 28;
/** The frame's source: behind `SKF_LL_OFF` of linux/filter.h, where the Ethernet header is. */
const source = -0x200000 + 6;

/**
 * Of a message whose client hardware address is not that of the frame it came in nothing is left but an empty datagram, so
 * that it can be counted. What came by a relay passes: its frame is the relay's.
 */
export const dhcpSenderFilter: readonly FilterInstruction[] = [
  [0x80, 0, 0, 0], // load the length
  [0x35, 0, 11, chaddr + 6], // too short to say anything: accept
  [0x20, 0, 0, giaddr],
  [0x15, 0, 9, 0], // from a relay: accept
  [0x20, 0, 0, chaddr],
  [0x07, 0, 0, 0], // to the other register
  [0x20, 0, 0, source >>> 0],
  [0x1d, 0, 4, 0], // not the same: refuse
  [0x28, 0, 0, chaddr + 4],
  [0x07, 0, 0, 0],
  [0x28, 0, 0, (source + 4) >>> 0],
  [0x1d, 1, 0, 0],
  [0x06, 0, 0, udpHeader], // refuse: the header alone
  [0x06, 0, 0, 0xffffffff], // accept
];
