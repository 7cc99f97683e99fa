/** ARP over Ethernet (RFC 826). */

import { type Ipv4, unspecified } from "../addr/ipv4.ts";
import { broadcastMac, type Mac } from "../addr/mac.ts";
import { Writer } from "./bytes.ts";
import { encodeEthernet, etherTypes } from "./ethernet.ts";

const ethernet = 1;
const request = 1;
const packetLength = 28;

/**
 * The frame in which `mac` asks all whether somebody has `address`, without saying that it has an address itself: an ARP
 * probe (RFC 5227 section 2.1.1).
 */
export function encodeArpProbe(mac: Mac, address: Ipv4): Uint8Array<ArrayBuffer> {
  const payload = new Writer(undefined, packetLength)
    .u16(ethernet).u16(etherTypes.ipv4).u8(mac.length).u8(4).u16(request)
    .put(mac).u32(unspecified).zeros(mac.length).u32(address).finish();
  return encodeEthernet({ destination: broadcastMac, source: mac, etherType: etherTypes.arp, payload });
}
