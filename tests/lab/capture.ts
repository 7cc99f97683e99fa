/** Packets seen on one interface of one namespace, by an AF_PACKET socket that the kernel fills while tests wait. */
import {
  AF_PACKET,
  checked,
  cString,
  inNetworkNamespace,
  int32,
  libc,
  MSG_DONTWAIT,
  SOCK_FLAGS,
  SOCK_RAW,
  SOL_SOCKET,
} from "./libc.ts";
import { decodeFrame, describe, type Packet } from "./packet.ts";

export type PacketFilter = (packet: Packet) => boolean;

const snapLength = 512;
const drainEveryMs = 10;
const SIOCGSTAMPNS = 0x8907n;

/**
 * ```ts
 * using leaks = lab.direct.capture(from(client));
 * ...
 * leaks.assertNone();
 * ```
 */
export class Capture {
  readonly #socket: number;
  readonly #filter: PacketFilter;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #frame = new Uint8Array(snapLength);
  readonly #address = new Uint8Array(20);
  #packets: Packet[] = [];
  #isOpen = true;
  /** Packets that the kernel had no room for. */
  #lost = 0;

  /** @param namespace path of the network namespace, such as /run/netns/l1-router */
  constructor(namespace: string, readonly device: string, filter: PacketFilter = () => true) {
    this.#filter = filter;
    this.#socket = inNetworkNamespace(namespace, () => openTap(device));
    this.#timer = setInterval(() => this.#drain(), drainEveryMs);
    Deno.unrefTimer(this.#timer);
  }

  /** What the filter let through so far, oldest first. */
  packets(filter: PacketFilter = () => true): readonly Packet[] {
    this.#drain();
    // Any of them could be the one that must not be there.
    if (this.#lost > 0) throw new Error(`the capture on ${this.device} lost ${this.#lost} packets`);
    return this.#packets.filter(filter);
  }

  /** Forgets what was seen. */
  clear(): void {
    this.#drain();
    this.#packets = [];
  }

  /** Waits for a packet and returns it; throws after `timeoutMs`. */
  async waitFor(filter: PacketFilter, timeoutMs = 5_000): Promise<Packet> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.packets().find(filter);
      if (found !== undefined) return found;
      if (performance.now() > deadline) throw new Error(`no such packet on ${this.device} within ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Throws with the first packets when there are any. */
  assertNone(filter: PacketFilter = () => true): void {
    const seen = this.packets(filter);
    if (seen.length === 0) return;
    const first = seen.slice(0, 12).map((packet) => `  ${new Date(packet.at).toISOString()} ${describe(packet)}`);
    throw new Error(`${seen.length} packets on ${this.device} that must not be there:\n${first.join("\n")}`);
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#drain();
    this.#isOpen = false;
    clearInterval(this.#timer);
    libc.close(this.#socket);
  }

  #drain(): void {
    if (!this.#isOpen) return;
    for (;;) {
      const addressLength = int32(this.#address.length);
      const length = Number(
        libc.recvfrom(this.#socket, this.#frame, BigInt(snapLength), MSG_DONTWAIT, this.#address, addressLength),
      );
      if (length < 0) break; // nothing more for now, or the interface is down, which tests do on purpose
      const isOutgoing = this.#address[10] === 4; // sll_pkttype PACKET_OUTGOING
      const packet = decodeFrame(this.#frame.slice(0, length), this.#timestamp(), isOutgoing ? "out" : "in");
      if (this.#filter(packet)) this.#packets.push(packet);
    }
    const SOL_PACKET = 263;
    const PACKET_STATISTICS = 6;
    const statistics = new Uint32Array(2);
    const bytes = new Uint8Array(statistics.buffer);
    checked("PACKET_STATISTICS", libc.getsockopt(this.#socket, SOL_PACKET, PACKET_STATISTICS, bytes, int32(8)));
    this.#lost += statistics[1] ?? 0;
  }

  #timestamp(): number {
    const time = new BigInt64Array(2);
    checked("SIOCGSTAMPNS", libc.ioctl(this.#socket, SIOCGSTAMPNS, new Uint8Array(time.buffer)));
    return Number(time[0]) * 1_000 + Number(time[1]) / 1e6;
  }
}

function openTap(device: string): number {
  const ETH_P_ALL = 3;
  const SO_RCVBUFFORCE = 33;
  const index = libc.if_nametoindex(cString(device));
  if (index === 0) throw new Error(`no interface ${device} to capture on`);
  const socket = checked("socket AF_PACKET", libc.socket(AF_PACKET, SOCK_RAW | SOCK_FLAGS, 0));
  // Refused in a user namespace: there the default (some 250 packets) must do.
  libc.setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, int32(64 << 20), 4);
  const address = new DataView(new ArrayBuffer(20));
  address.setUint16(0, AF_PACKET, true);
  address.setUint16(2, ETH_P_ALL);
  address.setInt32(4, index, true);
  checked("bind AF_PACKET", libc.bind(socket, new Uint8Array(address.buffer), 20));
  libc.ioctl(socket, SIOCGSTAMPNS, new Uint8Array(16)); // from now on the kernel stamps packets when they come
  return socket;
}
