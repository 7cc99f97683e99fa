/** UDP datagrams (RFC 768), alone and inside the packet and frame that carry them. */

import type { Ipv4 } from "../addr/ipv4.ts";
import type { Mac } from "../addr/mac.ts";
import { Reader, WireError, Writer } from "./bytes.ts";
import { encodeEthernet, etherTypes } from "./ethernet.ts";
import { addWords, checksum, encodeIpv4, type Ipv4Packet, protocols } from "./ipv4.ts";

/** A datagram with the addresses of its packet, which its checksum covers. */
export type UdpDatagram = {
  readonly source: Ipv4;
  readonly sourcePort: number;
  readonly destination: Ipv4;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
};

const udpHeaderLength = 8;

/**
 * Decodes the datagram in `packet`. A checksum of zero means that its sender made none.
 *
 * @throws {WireError} when it is not UDP, is cut short, or its checksum is wrong
 */
export function decodeUdp(packet: Ipv4Packet): UdpDatagram {
  if (packet.protocol !== protocols.udp) throw new WireError(`IP protocol ${packet.protocol} is not UDP`);
  const reader = new Reader(packet.payload);
  const sourcePort = reader.u16();
  const destinationPort = reader.u16();
  const length = reader.u16();
  if (length < udpHeaderLength || length > packet.payload.length) {
    throw new WireError(`a UDP datagram of ${length} bytes in ${packet.payload.length}`);
  }
  const datagram = packet.payload.subarray(0, length);
  if (reader.u16() !== 0 && udpChecksum(packet.source, packet.destination, datagram) !== 0) {
    throw new WireError("wrong UDP checksum");
  }
  const { source, destination } = packet;
  return { source, sourcePort, destination, destinationPort, payload: datagram.subarray(udpHeaderLength) };
}

/** The IPv4 packet with `datagram` inside: what a packet socket of type SOCK_DGRAM sends. */
export function encodeUdpPacket(datagram: UdpDatagram, ttl = 64): Uint8Array<ArrayBuffer> {
  const { source, destination } = datagram;
  const length = udpHeaderLength + datagram.payload.length;
  const bytes = new Writer(65_515, length)
    .u16(datagram.sourcePort).u16(datagram.destinationPort).u16(length).u16(0).put(datagram.payload).finish();
  // Zero would say that there is none; its other form in one's complement says zero.
  const sum = udpChecksum(source, destination, bytes) || 0xffff;
  bytes[6] = sum >>> 8;
  bytes[7] = sum & 0xff;
  return encodeIpv4({ source, destination, protocol: protocols.udp, ttl, payload: bytes });
}

/** The whole Ethernet frame with `datagram` inside: what a packet socket of type SOCK_RAW sends. */
export function encodeUdpFrame(datagram: UdpDatagram, source: Mac, destination: Mac): Uint8Array<ArrayBuffer> {
  return encodeEthernet({ destination, source, etherType: etherTypes.ipv4, payload: encodeUdpPacket(datagram) });
}

/** Over the pseudo header and the datagram (RFC 768). */
function udpChecksum(source: Ipv4, destination: Ipv4, datagram: Uint8Array): number {
  const pseudoHeader = (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) +
    protocols.udp + datagram.length;
  return checksum(addWords(datagram, pseudoHeader));
}
