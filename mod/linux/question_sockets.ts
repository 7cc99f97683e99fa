/**
 * UDP sockets for one question each: a port that the kernel chose at random, heard by one server alone. Between two
 * questions a socket is disconnected, which gives up its port, and kept: that takes a third of the time of a new one.
 */

import {
  AF_INET6,
  EAGAIN,
  errno,
  libc,
  pinned,
  SO_MARK,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from "./libc.ts";
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, epollEvent, EPOLLIN } from "./epoll.ts";
import { reactor } from "./reactor.ts";
import { encodeAnySocketAddress } from "./socket_address.ts";
import { check, checkPrivileged } from "./socket_error.ts";

/** The same object for the same server, as long as it is asked. */
export type QuestionServer = { readonly address: string; readonly port: number };

export type QuestionReception = {
  /** A datagram came from the server. The bytes are the receiver's until it returns. */
  received(bytes: Uint8Array, length: number): void;
  /** The network refuses the way there, or the server's host says that nobody listens. */
  failed(): void;
};

const maxEvents = 64;
/** After so many rounds without a pause, others get their turn although more is ready. */
const burst = 8;
const maxDatagram = 65_535n;
/** Header, name, type, class and OPT. */
const maxQuestion = 512;
/** Sockets that are kept for later. */
const maxIdle = 256;
/** Connecting to AF_UNSPEC disconnects (connect(2)), and frees a port that was not asked for by its number. */
const unspecified = new Uint8Array(16);

/** errno(3): this host is short of something. That is not the server's fault, and passes. */
const shortages: readonly number[] = [11, 12, 23, 24, 105];

export class QuestionSockets {
  /** Holds all open sockets, and is itself waited for: one wake-up for many answers. */
  readonly #ready = check("epoll_create1", libc.epoll_create1(EPOLL_CLOEXEC));
  /** By file descriptor. Not a `Map`, see mod/dns/pending_table.ts. */
  readonly #open: (QuestionReception | undefined)[] = [];
  readonly #idle: Readonly<Record<4 | 6, number[]>> = { 4: [], 6: [] };
  readonly #events = pinned(maxEvents * epollEvent.size);
  readonly #fds = new DataView(this.#events.buffer);
  readonly #event = pinned(epollEvent.size);
  readonly #eventView = new DataView(this.#event.buffer);
  readonly #buffer = pinned(Number(maxDatagram));
  readonly #outgoing = pinned(maxQuestion);
  readonly #names = new WeakMap<QuestionServer, Uint8Array<ArrayBuffer>>();
  /** Until it is closed. */
  readonly #served: Promise<void>;
  #isClosed = false;

  /** @param mark the packet mark of all questions (SO_MARK), which needs NET_ADMIN */
  constructor(readonly mark?: number) {
    reactor.add(this.#ready);
    this.#served = reactor.watch(this.#ready, () => {
      for (let round = 0; round < burst && this.#takeReady() === maxEvents; round++);
    });
  }

  /** Sends `message` from a new socket. What comes back goes to `reception`, never before this has returned. */
  ask(
    server: QuestionServer,
    message: Uint8Array<ArrayBuffer>,
    reception: QuestionReception,
  ): { close(): void } {
    const fd = this.#send(server, message);
    if (fd < 0) {
      let isOpen = !shortages.includes(-fd);
      queueMicrotask(() => isOpen && reception.failed());
      return { close: () => isOpen = false };
    }
    this.#open[fd] = reception;
    const family = this.#name(server)[0] === AF_INET6 ? 6 : 4;
    return {
      close: () => {
        if (this.#open[fd] === reception) this.#release(fd, family);
      },
    };
  }

  close(): Promise<void> {
    if (this.#isClosed) return this.#served;
    this.#isClosed = true;
    this.#open.forEach((reception, fd) => reception !== undefined && libc.close(fd));
    for (const fd of [...this.#idle[4], ...this.#idle[6]]) libc.close(fd);
    this.#open.length = 0;
    reactor.remove(this.#ready);
    libc.close(this.#ready);
    return this.#served;
  }

  /** The socket that has sent `message`, or errno(3) with a minus. */
  #send(server: QuestionServer, message: Uint8Array<ArrayBuffer>): number {
    const name = this.#name(server);
    const fd = this.#idle[name[0] === AF_INET6 ? 6 : 4].pop() ?? this.#create(name[0]!);
    if (fd < 0) return fd;
    this.#outgoing.set(message);
    const size = BigInt(message.length);
    // An error that an earlier question left behind is reported once: the second try is about this one.
    const isSent = libc.connect(fd, name, name.length) === 0 &&
      (libc.sendto(fd, this.#outgoing, size, 0, null, 0) >= 0 ||
        libc.sendto(fd, this.#outgoing, size, 0, null, 0) >= 0);
    if (isSent) return fd;
    const reason = errno();
    libc.close(fd);
    return -reason;
  }

  #create(family: number): number {
    const fd = libc.socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno();
    if (this.mark !== undefined) {
      const value = Uint32Array.of(this.mark);
      checkPrivileged("SO_MARK", "NET_ADMIN", libc.setsockopt(fd, SOL_SOCKET, SO_MARK, value, 4));
    }
    this.#eventView.setUint32(0, EPOLLIN, true);
    this.#eventView.setInt32(epollEvent.data, fd, true);
    check("epoll_ctl", libc.epoll_ctl(this.#ready, EPOLL_CTL_ADD, fd, this.#event));
    return fd;
  }

  /** Receives from what is ready; how many sockets were. */
  #takeReady(): number {
    const count = libc.epoll_wait(this.#ready, this.#events, maxEvents, 0);
    for (let index = 0; index < count; index++) {
      const fd = this.#fds.getInt32(index * epollEvent.size + epollEvent.data, true);
      const length = libc.recv(fd, this.#buffer, maxDatagram, 0);
      const reception = this.#open[fd];
      // What comes to an idle socket came too late, and has been taken off its queue now.
      if (reception === undefined) continue;
      if (length >= 0) reception.received(this.#buffer, length);
      else if (errno() !== EAGAIN) reception.failed();
    }
    return count;
  }

  #release(fd: number, family: 4 | 6): void {
    this.#open[fd] = undefined;
    const idle = this.#idle[family];
    if (idle.length < maxIdle && libc.connect(fd, unspecified, unspecified.length) === 0) idle.push(fd);
    else libc.close(fd);
  }

  #name(server: QuestionServer): Uint8Array<ArrayBuffer> {
    let name = this.#names.get(server);
    if (name === undefined) {
      name = encodeAnySocketAddress(server.address, server.port);
      this.#names.set(server, name);
    }
    return name;
  }
}
