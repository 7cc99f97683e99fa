/** UDP datagrams (RFC 768), alone and inside the packet and frame that carry them. */

import type { Ipv4 } from "../addr/ipv4.ts";
import type { Mac } from "../addr/mac.ts";
import { Reader, WireError, Writer } from "./bytes.ts";
import { encodeEthernet, etherTypes } from "./ethernet.ts";
import {
  addressWords,
  addWords,
  checksum,
  ipv4HeaderLength,
  type Ipv4Packet,
  protocols,
  writeIpv4Header,
} from "./ipv4.ts";

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
  const sum = pseudoHeader(packet.source, packet.destination, length);
  if (reader.u16() !== 0 && checksum(addWords(datagram, sum)) !== 0) {
    throw new WireError("wrong UDP checksum");
  }
  const { source, destination } = packet;
  return { source, sourcePort, destination, destinationPort, payload: datagram.subarray(udpHeaderLength) };
}

/**
 * The IPv4 packet with `datagram` inside: what a packet socket of type SOCK_DGRAM sends.
 *
 * @param writer if given, the result is in its memory
 */
export function encodeUdpPacket(
  datagram: UdpDatagram,
  ttl = 64,
  writer: Writer = new Writer(65_535, ipv4HeaderLength + udpHeaderLength + datagram.payload.length),
): Uint8Array<ArrayBuffer> {
  const { source, sourcePort, destination, destinationPort, payload } = datagram;
  const length = udpHeaderLength + payload.length;
  const header = sourcePort + destinationPort + length;
  // Zero would say that there is none; its other form in one's complement says zero.
  const sum = checksum(addWords(payload, pseudoHeader(source, destination, length) + header)) || 0xffff;
  return writeIpv4Header(writer.restart(), { source, destination, protocol: protocols.udp, ttl }, length)
    .u16(sourcePort).u16(destinationPort).u16(length).u16(sum).put(payload).finish();
}

/** The whole Ethernet frame with `datagram` inside: what a packet socket of type SOCK_RAW sends. */
export function encodeUdpFrame(datagram: UdpDatagram, source: Mac, destination: Mac): Uint8Array<ArrayBuffer> {
  return encodeEthernet({ destination, source, etherType: etherTypes.ipv4, payload: encodeUdpPacket(datagram) });
}

/** The sum of what the checksum covers besides the datagram (RFC 768). */
function pseudoHeader(source: Ipv4, destination: Ipv4, length: number): number {
  return addressWords(source) + addressWords(destination) + protocols.udp + length;
}
