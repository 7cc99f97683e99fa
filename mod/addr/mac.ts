/** Ethernet hardware addresses: six bytes inside the program, `aa:bb:cc:dd:ee:ff` at its edges. */

import { AddressError } from "./address_error.ts";
import { fromOctets, type Ipv4, toOctets } from "./ipv4.ts";

/** Six bytes. */
export type Mac = Uint8Array;

/** `ff:ff:ff:ff:ff:ff` */
export const broadcastMac: Mac = new Uint8Array(6).fill(0xff);

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** @throws {AddressError} when `text` is not six hexadecimal bytes joined by colons */
export function parseMac(text: string): Mac {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text)) {
    throw new AddressError(`'${text}' is not a MAC address: write six bytes, such as 02:77:ac:1d:00:01`);
  }
  return Uint8Array.from(text.split(":"), (byte) => Number.parseInt(byte, 16));
}

/** Lower-case hexadecimal bytes joined by colons. A server writes one with each lease: from a table, that is fast. */
export function formatMac(mac: Uint8Array): string {
  let text = "";
  for (let index = 0; index < mac.length; index++) text += index === 0 ? hex[mac[index]!]! : `:${hex[mac[index]!]!}`;
  return text;
}

/**
 * The MAC of every gateway of an overlay: a function of the gateway's overlay address alone, so that after a restart or
 * a failover no client has anything to relearn. Locally administered, unicast (IEEE 802 section 8.4).
 */
export function gatewayMac(overlayAddress: Ipv4): Mac {
  return Uint8Array.of(0x02, 0x77, ...toOctets(overlayAddress));
}

/**
 * The MAC of a client's end of the tunnel: a function of the Pod's own address, which no other Pod of the cluster has,
 * so that a Pod keeps its identity, and with it its lease, through restarts and from gateway to gateway.
 */
export function clientMac(podAddress: Ipv4): Mac {
  return Uint8Array.of(0x02, 0x78, ...toOctets(podAddress));
}

/** The inverse of {@link clientMac}; `undefined` for any other address. */
export function podAddressOf(mac: Mac): Ipv4 | undefined {
  return mac.length === 6 && mac[0] === 0x02 && mac[1] === 0x78 ? fromOctets(mac.subarray(2)) : undefined;
}
