/** Packets with a source address of the sender's choice, as many as the machine can send. */
import { AF_INET, checked, libc, SOCK_FLAGS, SOCK_RAW } from "../libc.ts";

export type Bytes = Uint8Array<ArrayBuffer>;
export type End = { readonly address: string; readonly port: number };

const IPPROTO_RAW = 255;
const TCP = 6;
const UDP = 17;
/** `mmsghdr` and `iovec` (sendmmsg(2)). */
const headerSize = 64;
const vectorSize = 16;

/** Where the ports and the payload of a packet of {@link udpPacket} are. */
export const udpAt = { sourcePort: 20, destinationPort: 22, payload: 28 } as const;

/** An IPv4 packet with a UDP datagram, which may go without a checksum (RFC 768). The kernel fills in IP's own. */
export function udpPacket(from: End, to: End, payload: Uint8Array): Bytes {
  const packet = ipPacket(UDP, from, to, 8 + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint16(udpAt.sourcePort, from.port);
  view.setUint16(udpAt.destinationPort, to.port);
  view.setUint16(24, 8 + payload.length);
  packet.set(payload, udpAt.payload);
  return packet;
}

/** An IPv4 packet with a TCP segment that carries `payload` (PSH and ACK). */
export function tcpPacket(from: End, to: End, sequence: number, acknowledged: number, payload: Uint8Array): Bytes {
  const length = 20 + payload.length;
  const packet = ipPacket(TCP, from, to, length);
  const view = new DataView(packet.buffer);
  view.setUint16(20, from.port);
  view.setUint16(22, to.port);
  view.setUint32(24, sequence);
  view.setUint32(28, acknowledged);
  view.setUint16(32, 0x5018);
  view.setUint16(34, 0xffff);
  packet.set(payload, 40);
  // The pseudo-header: addresses, protocol, length (RFC 9293 section 3.1).
  const summed = new DataView(new ArrayBuffer(12 + length + (length & 1)));
  new Uint8Array(summed.buffer).set(packet.subarray(12, 20));
  summed.setUint16(8, TCP);
  summed.setUint16(10, length);
  new Uint8Array(summed.buffer).set(packet.subarray(20), 12);
  view.setUint16(36, checksum(summed));
  return packet;
}

function ipPacket(protocol: number, from: End, to: End, length: number): Bytes {
  const packet = new Uint8Array(20 + length);
  packet.set([0x45, 0, (20 + length) >> 8, 20 + length, 0, 0, 0, 0, 64, protocol]);
  packet.set(from.address.split(".").map(Number), 12);
  packet.set(to.address.split(".").map(Number), 16);
  return packet;
}

function checksum(view: DataView): number {
  let sum = 0;
  for (let at = 0; at < view.byteLength; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/** Sends whole packets to one host, many with one system call. */
export class RawSender {
  readonly #socket = checked("raw socket", libc.socket(AF_INET, SOCK_RAW | SOCK_FLAGS, IPPROTO_RAW));
  readonly #name = new Uint8Array(16);

  constructor(to: string) {
    new DataView(this.#name.buffer).setUint16(0, AF_INET, true);
    this.#name.set(to.split(".").map(Number), 4);
  }

  send(packet: Bytes): void {
    checked("sendto", libc.sendto(this.#socket, packet, BigInt(packet.length), 0, this.#name, this.#name.length));
  }

  /** Returns what sends all of `packets`, as they are then, and tells how many the kernel took. */
  many(packets: readonly Bytes[]): () => number {
    const vectors = new BigUint64Array(packets.length * vectorSize / 8);
    const headers = new Uint8Array(packets.length * headerSize);
    const view = new DataView(headers.buffer);
    const address = (bytes: Uint8Array<ArrayBuffer>) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
    packets.forEach((packet, index) => {
      vectors[2 * index] = address(packet);
      vectors[2 * index + 1] = BigInt(packet.length);
      view.setBigUint64(index * headerSize, address(this.#name), true);
      view.setUint32(index * headerSize + 8, this.#name.length, true);
      view.setBigUint64(
        index * headerSize + 16,
        address(new Uint8Array(vectors.buffer)) + BigInt(index * vectorSize),
        true,
      );
      view.setBigUint64(index * headerSize + 24, 1n, true);
    });
    return () => Math.max(0, libc.sendmmsg(this.#socket, headers, packets.length, 0));
  }
}
