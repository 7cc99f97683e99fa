/** Sends frames to a MAC address, past the kernel's own IP stack and neighbour table. */

import type { Mac } from "../addr/mac.ts";
import { AF_PACKET, cString, libc, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from "./libc.ts";
import { check, checkPrivileged } from "./socket_error.ts";

/** linux/if_ether.h */
const ETH_P_IP = 0x0800;

/** A packet(7) socket for sending on one device: the kernel writes the Ethernet header. */
export class PacketSocket implements Disposable {
  #closed = false;

  private constructor(readonly device: string, readonly index: number, readonly fd: number) {}

  /**
   * @throws {MissingCapabilityError} without NET_RAW
   * @throws {SocketError} there is no such device (`ENODEV`)
   */
  static open(device: string): PacketSocket {
    const index = libc.if_nametoindex(cString(device));
    check(`finding ${device}`, index === 0 ? -1 : index);
    const type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    // Protocol 0: it receives nothing.
    const fd = checkPrivileged("socket(AF_PACKET)", "NET_RAW", libc.socket(AF_PACKET, type, 0));
    return new PacketSocket(device, index, fd);
  }

  /** @throws {SocketError} the device is gone (`ENXIO`, `ENODEV`), down (`ENETDOWN`), or its queue full (`EAGAIN`) */
  send(to: Mac, payload: Uint8Array<ArrayBuffer>, etherType = ETH_P_IP): void {
    const address = linkLayerAddress(this.index, to, etherType);
    const sent = libc.sendto(this.fd, payload, BigInt(payload.length), 0, address, address.length);
    check(`sending on ${this.device}`, sent);
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

/** `sockaddr_ll`. */
function linkLayerAddress(index: number, mac: Mac, etherType: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, etherType);
  view.setInt32(4, index, true);
  view.setUint8(11, mac.length);
  bytes.set(mac, 12);
  return bytes;
}
