/** How a DHCP client speaks to all: in a frame of its own making. */

import { broadcast } from "../addr/ipv4.ts";
import { broadcastMac } from "../addr/mac.ts";
import { dhcpReplyPort, dhcpServerPort } from "../netstate/names.ts";
import { type DhcpMessage, encodeDhcp } from "../wire/dhcpv4.ts";
import { encodeUdpFrame } from "../wire/udp.ts";

/**
 * The frame in which a client says `message` to all. It comes from the address that the client has, and from 0.0.0.0 as
 * long as it has none (RFC 2131 section 4.1), which is what `ciaddr` says.
 */
export function encodeDhcpBroadcast(message: DhcpMessage): Uint8Array<ArrayBuffer> {
  return encodeUdpFrame(
    {
      source: message.ciaddr,
      sourcePort: dhcpReplyPort,
      destination: broadcast,
      destinationPort: dhcpServerPort,
      payload: encodeDhcp(message),
    },
    message.chaddr,
    broadcastMac,
  );
}
