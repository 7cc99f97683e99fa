/** Sends frames to a MAC address, past the kernel's own IP stack and neighbour table. */

import type { Mac } from "../addr/mac.ts";
import { existingIndex } from "./interface_index.ts";
import { AF_PACKET, libc, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from "./libc.ts";
import { OutgoingBatch } from "./outgoing_batch.ts";
import { checkPrivileged } from "./socket_error.ts";

/** linux/if_ether.h */
const ETH_P_IP = 0x0800;
/** linux/if_packet.h */
const linkLayerAddressSize = 20;
const macOffset = 12;
const macLength = 6;
const maxSize = 1500;

/** A packet(7) socket for sending on one device: the kernel writes the Ethernet header. */
export class PacketSocket implements Disposable {
  readonly #batch: OutgoingBatch;
  readonly #name: Uint8Array<ArrayBuffer>;
  #closed = false;

  private constructor(readonly device: string, readonly index: number, readonly fd: number, batch: number) {
    this.#batch = new OutgoingBatch(batch, maxSize, linkLayerAddressSize);
    this.#name = linkLayerAddress(index);
  }

  /**
   * @param options `batch`: how many packets {@link flush} sends at most
   * @throws {MissingCapabilityError} without NET_RAW
   * @throws {SocketError} there is no such device (`ENODEV`)
   */
  static open(device: string, { batch = 1 }: { readonly batch?: number } = {}): PacketSocket {
    const index = existingIndex(device);
    const type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    // Protocol 0: it receives nothing.
    const fd = checkPrivileged("socket(AF_PACKET)", "NET_RAW", libc.socket(AF_PACKET, type, 0));
    return new PacketSocket(device, index, fd, batch);
  }

  /** Has an IPv4 packet of 1500 bytes at most go to `to` with the next {@link flush}, which comes by itself after `batch`. */
  add(to: Mac, packet: Uint8Array): void {
    if (this.#batch.isFull) this.flush();
    this.#name.set(to, macOffset);
    this.#batch.add(this.#name, packet);
  }

  /** @throws {SocketError} the device is gone (`ENXIO`, `ENODEV`), down (`ENETDOWN`), or its queue full (`EAGAIN`) */
  flush(): void {
    this.#batch.send(this.fd);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    libc.close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** `sockaddr_ll`, for any MAC address. */
function linkLayerAddress(index: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(linkLayerAddressSize);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, ETH_P_IP);
  view.setInt32(4, index, true);
  view.setUint8(macOffset - 1, macLength);
  return bytes;
}
