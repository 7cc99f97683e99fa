/** UDP over IPv4 with what Deno's own sockets lack: a device, a mark, broadcasts, and many datagrams per system call. */

import { type Ipv4, unspecified } from "../addr/ipv4.ts";
import { DatagramBatch } from "./datagram_batch.ts";
import {
  AF_INET,
  cString,
  EAGAIN,
  EINTR,
  errno,
  libc,
  MSG_DONTWAIT,
  SO_BINDTODEVICE,
  SO_MARK,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from "./libc.ts";
import { OutgoingBatch } from "./outgoing_batch.ts";
import { reactor } from "./reactor.ts";
import { encodeSocketAddress, type SocketAddress, socketAddressSize, writeSocketAddress } from "./socket_address.ts";
import { check, checkPrivileged, SocketError } from "./socket_error.ts";
import { attachFilter, type FilterInstruction } from "./socket_filter.ts";

export type UdpOptions = {
  /** Default: any. */
  readonly address?: Ipv4;
  /** Default: one that the kernel chooses. */
  readonly port?: number;
  /** Only what comes in by this device, and all that is sent goes out by it (SO_BINDTODEVICE). */
  readonly device?: string;
  /** The packet mark of what is sent (SO_MARK). Needs NET_ADMIN. */
  readonly mark?: number;
  /** Whether it may send to a broadcast address. */
  readonly broadcast?: boolean;
  /** Whether others may have the same port. */
  readonly reuseAddress?: boolean;
  /** Bytes that may wait to be read; without NET_ADMIN net.core.rmem_max bounds it. */
  readonly receiveBuffer?: number;
  /** How many datagrams {@link UdpSocket.serve} takes at most. Default: 1. */
  readonly batch?: number;
  /** Bytes of a datagram; longer ones are cut. Default: 2048. */
  readonly maxSize?: number;
  /** Whether receiving throws what comes back by ICMP about datagrams that were sent (IP_RECVERR). */
  readonly errors?: boolean;
  /** What is received of each datagram: it is told the bytes from the UDP header on. Default: all. */
  readonly filter?: readonly FilterInstruction[];
};

/** Bytes of its own, and who sent them. */
export type Datagram = SocketAddress & { readonly bytes: Uint8Array<ArrayBuffer> };

/** socket(7), ip(7). */
const SO_REUSEADDR = 2;
const SO_BROADCAST = 6;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const IPPROTO_IP = 0;
const IP_RECVERR = 11;
const MSG_ERRQUEUE = 0x2000;

/** After so many receives without a pause, others get their turn although more datagrams are there. */
const burst = 16;

export class UdpSocket implements Disposable {
  /** The port it is bound to. */
  readonly port: number;
  readonly #fd: number;
  readonly #batch: DatagramBatch;
  readonly #errors: boolean;
  /** For the address of what is added. */
  readonly #name = new Uint8Array(socketAddressSize);
  #outgoing: OutgoingBatch | undefined;
  #closed = false;
  #withoutPause = 0;

  private constructor(fd: number, options: UdpOptions) {
    this.#fd = fd;
    this.#batch = new DatagramBatch(options.batch ?? 1, options.maxSize ?? 2048);
    this.#errors = options.errors ?? false;
    this.port = boundPort(fd);
    reactor.add(fd);
  }

  /**
   * @throws {MissingCapabilityError} NET_ADMIN for `mark`, NET_BIND_SERVICE for a port below 1024, NET_RAW for `device`
   *   before Linux 5.7
   * @throws {SocketError} `EADDRINUSE`, `EADDRNOTAVAIL`, `ENODEV`, ...
   */
  static open(options: UdpOptions = {}): UdpSocket {
    const fd = check("socket(AF_INET)", libc.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    try {
      configure(fd, options);
      return new UdpSocket(fd, options);
    } catch (error) {
      libc.close(fd);
      throw error;
    }
  }

  /**
   * The next datagram, once there is one; `undefined` once the socket is closed. One call at a time.
   *
   * @throws {SocketError} with `errors`: `ECONNREFUSED`: a port refused what was sent; `EHOSTUNREACH`, `ENETUNREACH`:
   *   there is no way to where it was sent
   */
  async receive(): Promise<Datagram | undefined> {
    while (!this.#closed) {
      if (this.#withoutPause++ < burst && this.#take(1)) return this.#datagram();
      this.#withoutPause = 0;
      await reactor.readable(this.#fd);
    }
    return undefined;
  }

  /**
   * A datagram that has arrived already; `undefined`: none has. On a busy machine that is known here long before
   * {@link receive}, which may be called all the same, comes to it.
   *
   * @throws {SocketError} as {@link receive}
   */
  receiveNow(): Datagram | undefined {
    return !this.#closed && this.#take(1) ? this.#datagram() : undefined;
  }

  /**
   * Has `serve` take what arrives, up to `batch` datagrams at a time, until the socket is closed, which is when the result
   * resolves. It is given the same object each time, whose memory is written over when it has returned, or when the promise
   * that it returned is settled.
   */
  serve(serve: (received: DatagramBatch) => void | Promise<void>): Promise<void> {
    const { capacity } = this.#batch;
    return reactor.watch(this.#fd, () => {
      for (let rounds = 0; rounds < burst && !this.#closed && this.#take(capacity); rounds++) {
        const serving = serve(this.#batch);
        if (serving !== undefined || this.#batch.count < capacity) return serving;
      }
    });
  }

  /** Sends the replies of the last batch. How many went out. */
  sendBatch(): number {
    return this.#closed ? 0 : this.#batch.send(this.#fd);
  }

  /**
   * @throws {SocketError} `EPERM`: the firewall refuses it; `ENETUNREACH`: there is no route; `EAGAIN`: too much waits to
   *   be sent
   */
  send(bytes: Uint8Array<ArrayBuffer>, to: SocketAddress): void {
    const name = encodeSocketAddress(to);
    check("sending", libc.sendto(this.#fd, bytes, BigInt(bytes.length), 0, name, name.length));
  }

  /** Has `bytes`, `maxSize` at most, go out with the next {@link flush}, which comes by itself after `batch` of them. */
  add(bytes: Uint8Array, to: SocketAddress): void {
    const { capacity, maxSize } = this.#batch;
    const outgoing = this.#outgoing ??= new OutgoingBatch(capacity, maxSize, socketAddressSize);
    if (outgoing.isFull) this.flush();
    writeSocketAddress(this.#name, to);
    outgoing.add(this.#name, bytes);
  }

  /** @throws {SocketError} as {@link send} does, when the kernel refused some of what was added */
  flush(): void {
    if (!this.#closed) this.#outgoing?.send(this.#fd);
  }

  /** From now on it sends and receives by the device that has this name now. Needs NET_RAW. @throws {SocketError} `ENODEV` */
  bindTo(device: string): void {
    bindToDevice(this.#fd, device);
  }

  /** Ends a pending receive at once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    reactor.remove(this.#fd);
    libc.close(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Fills the batch with what is there; false when nothing is. */
  #take(limit: number): boolean {
    if (this.#batch.receive(this.#fd, limit) > 0) return true;
    const number = errno();
    if (this.#errors) drainErrors(this.#fd);
    if (number !== EAGAIN && number !== EINTR) throw new SocketError("receiving", number);
    return false;
  }

  #datagram(): Datagram {
    return { bytes: this.#batch.bytes(0).slice(), address: this.#batch.address(0), port: this.#batch.port(0) };
  }
}

/** The queue of errors says what the last result said; while it is not empty, the socket counts as readable. */
function drainErrors(fd: number): void {
  const unused = new Uint8Array(1);
  for (let left = 64; left > 0 && libc.recv(fd, unused, 1n, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0; left--);
}

function configure(fd: number, options: UdpOptions): void {
  const { address = unspecified, port = 0, device, mark, broadcast, reuseAddress, receiveBuffer, filter } = options;
  if (reuseAddress) setOption(fd, SO_REUSEADDR, 1);
  if (broadcast) setOption(fd, SO_BROADCAST, 1);
  // With NET_ADMIN beyond net.core.rmem_max, which holds some 250 small datagrams where nobody has raised it.
  if (receiveBuffer !== undefined && !hasSet(fd, SO_RCVBUFFORCE, receiveBuffer)) {
    setOption(fd, SO_RCVBUF, receiveBuffer);
  }
  if (options.errors) {
    check("setsockopt(IP_RECVERR)", libc.setsockopt(fd, IPPROTO_IP, IP_RECVERR, Int32Array.of(1), 4));
  }
  if (mark !== undefined) {
    checkPrivileged("SO_MARK", "NET_ADMIN", libc.setsockopt(fd, SOL_SOCKET, SO_MARK, Uint32Array.of(mark), 4));
  }
  if (device !== undefined) bindToDevice(fd, device);
  if (filter !== undefined) attachFilter(fd, filter);
  const name = encodeSocketAddress({ address, port });
  checkPrivileged(`binding to port ${port}`, "NET_BIND_SERVICE", libc.bind(fd, name, name.length));
}

/** From now on the socket sends and receives by `device` alone. @throws {SocketError} `ENODEV` */
export function bindToDevice(fd: number, device: string): void {
  const name = cString(device);
  const result = libc.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length);
  checkPrivileged(`binding to ${device}`, "NET_RAW", result);
}

function hasSet(fd: number, option: number, value: number): boolean {
  return libc.setsockopt(fd, SOL_SOCKET, option, Int32Array.of(value), 4) === 0;
}

function setOption(fd: number, option: number, value: number): void {
  check(`setsockopt(${option})`, hasSet(fd, option, value) ? 0 : -1);
}

function boundPort(fd: number): number {
  const name = new Uint8Array(socketAddressSize);
  check("getsockname", libc.getsockname(fd, name, Uint32Array.of(name.length)));
  return new DataView(name.buffer).getUint16(2);
}
