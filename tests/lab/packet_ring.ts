/**
 * An AF_PACKET socket whose packets the kernel writes into memory shared with this process (PACKET_RX_RING, TPACKET_V2;
 * Documentation/networking/packet_mmap.rst). It holds seconds of traffic, also in a user namespace, where a socket's own
 * buffer cannot be made larger than some 250 packets.
 */
import { AF_PACKET, checked, cString, inNetworkNamespace, int32, libc, SOCK_FLAGS, SOCK_RAW } from "./libc.ts";

export type Frame = {
  /** From the Ethernet header on, cut at some 430 bytes. */
  readonly bytes: Uint8Array;
  /** Milliseconds since 1970, with a fraction. */
  readonly at: number;
  readonly isOutgoing: boolean;
};

const SOL_PACKET = 263;
const PACKET_RX_RING = 5;
const PACKET_STATISTICS = 6;
const PACKET_VERSION = 10;
const TPACKET_V2 = 1;
/** The frame is ours to read; 0: the kernel's to write. */
const TP_STATUS_USER = 1;
const PACKET_OUTGOING = 4;

const frameSize = 512;
const frames = 16_384;
const blockSize = 64 * 1024;
const ringSize = frameSize * frames;

export class PacketRing {
  readonly #socket: number;
  readonly #memory: Deno.PointerObject;
  readonly #view: DataView;
  /** The status words: one at the beginning of each frame. */
  readonly #status: Int32Array;
  #next = 0;
  /** Packets that the ring had no room for. */
  lost = 0;

  /** @param namespace path of a network namespace, such as /run/netns/l1-router */
  constructor(namespace: string, device: string) {
    this.#socket = inNetworkNamespace(namespace, () => openSocket(device));
    const PROT_READ_WRITE = 3;
    const MAP_SHARED = 1;
    const memory = libc.mmap(null, BigInt(ringSize), PROT_READ_WRITE, MAP_SHARED, this.#socket, 0n);
    if (memory === null || Deno.UnsafePointer.value(memory) === 2n ** 64n - 1n) {
      throw new Error("mmap of a ring failed");
    }
    this.#memory = memory;
    const buffer = new Deno.UnsafePointerView(memory).getArrayBuffer(ringSize);
    this.#view = new DataView(buffer);
    this.#status = new Int32Array(buffer);
  }

  /** What came since the last call, oldest first. */
  read(): Frame[] {
    const found: Frame[] = [];
    while ((Atomics.load(this.#status, this.#next * frameSize / 4) & TP_STATUS_USER) !== 0) {
      const start = this.#next * frameSize;
      found.push(this.#frame(start));
      Atomics.store(this.#status, start / 4, 0);
      this.#next = (this.#next + 1) % frames;
    }
    const statistics = new Uint32Array(2);
    const bytes = new Uint8Array(statistics.buffer);
    checked("PACKET_STATISTICS", libc.getsockopt(this.#socket, SOL_PACKET, PACKET_STATISTICS, bytes, int32(8)));
    this.lost += statistics[1] ?? 0;
    return found;
  }

  /** Nothing may be read after this. */
  close(): void {
    libc.munmap(this.#memory, BigInt(ringSize));
    libc.close(this.#socket);
  }

  /** struct tpacket2_hdr (32 bytes), struct sockaddr_ll, and the packet at tp_mac. */
  #frame(start: number): Frame {
    const view = this.#view;
    const length = view.getUint32(start + 8, true);
    const offset = start + view.getUint16(start + 12, true);
    return {
      bytes: new Uint8Array(view.buffer.slice(offset, offset + length)),
      at: view.getUint32(start + 16, true) * 1_000 + view.getUint32(start + 20, true) / 1e6,
      isOutgoing: view.getUint8(start + 32 + 10) === PACKET_OUTGOING,
    };
  }
}

function openSocket(device: string): number {
  const ETH_P_ALL = 3;
  const index = libc.if_nametoindex(cString(device));
  if (index === 0) throw new Error(`no interface ${device} to capture on`);
  const socket = checked("socket AF_PACKET", libc.socket(AF_PACKET, SOCK_RAW | SOCK_FLAGS, 0));
  checked("PACKET_VERSION", libc.setsockopt(socket, SOL_PACKET, PACKET_VERSION, int32(TPACKET_V2), 4));
  const ring = new Uint8Array(new Uint32Array([blockSize, ringSize / blockSize, frameSize, frames]).buffer);
  checked("PACKET_RX_RING", libc.setsockopt(socket, SOL_PACKET, PACKET_RX_RING, ring, ring.length));
  const address = new DataView(new ArrayBuffer(20));
  address.setUint16(0, AF_PACKET, true);
  address.setUint16(2, ETH_P_ALL);
  address.setInt32(4, index, true);
  checked("bind AF_PACKET", libc.bind(socket, new Uint8Array(address.buffer), 20));
  return socket;
}
