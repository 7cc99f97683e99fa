/** Waits until a socket has something to read: one thread for all sockets of the process, and none while nobody waits. */

import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  epollEvent,
  EPOLLIN,
  EPOLLONESHOT,
} from "./epoll.ts";
import { libc, pinned } from "./libc.ts";
import { check } from "./socket_error.ts";

/** eventfd(2). */
const EFD_CLOEXEC = 0x80000;
const EFD_NONBLOCK = 0x800;
const maxEvents = 16;

/** Tells when file descriptors become readable. */
export class Reactor {
  readonly #epoll = check("epoll_create1", libc.epoll_create1(EPOLL_CLOEXEC));
  readonly #wake = check("eventfd", libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  readonly #waiting = new Map<number, (readable: boolean) => void>();
  /** Who is told that it waits no more, once the thread waits no more either. */
  readonly #leaving: ((readable: boolean) => void)[] = [];
  /** Filled by another thread while `epoll_wait` runs. */
  readonly #events = pinned(maxEvents * epollEvent.size);
  readonly #event = new DataView(new ArrayBuffer(epollEvent.size));
  #running = false;

  constructor() {
    this.#control(EPOLL_CTL_ADD, this.#wake, EPOLLIN);
  }

  /** Must come before the first {@link readable} of `fd`. */
  add(fd: number): void {
    this.#control(EPOLL_CTL_ADD, fd, EPOLLONESHOT);
  }

  /** Must come before `fd` is closed. Who waits for it is told `false`. */
  remove(fd: number): void {
    this.#control(EPOLL_CTL_DEL, fd, 0);
    const tell = this.#waiting.get(fd);
    if (tell === undefined) return;
    this.#waiting.delete(fd);
    if (this.#waiting.size > 0) {
      tell(false);
    } else {
      this.#leaving.push(tell);
      check("eventfd_write", libc.eventfd_write(this.#wake, 1n));
    }
  }

  /** Resolves to `true` when `fd` has something to read or an error to tell, to `false` when it was removed. */
  readable(fd: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting.set(fd, resolve);
    this.#control(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT);
    if (!this.#running) this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#running = true;
    const view = new DataView(this.#events.buffer);
    while (this.#waiting.size > 0) {
      // A negative result is EINTR, a signal: nothing to read, wait again.
      const count = await libc.epoll_wait(this.#epoll, Deno.UnsafePointer.of(this.#events), maxEvents, -1);
      for (let index = 0; index < count; index++) {
        const fd = view.getInt32(index * epollEvent.size + epollEvent.data, true);
        if (fd === this.#wake) {
          libc.eventfd_read(fd, new BigUint64Array(1));
        } else {
          this.#waiting.get(fd)?.(true);
          this.#waiting.delete(fd);
        }
      }
      for (const tell of this.#leaving.splice(0)) tell(false);
    }
    this.#running = false;
  }

  #control(operation: number, fd: number, events: number): void {
    this.#event.setUint32(0, events, true);
    this.#event.setInt32(epollEvent.data, fd, true);
    check("epoll_ctl", libc.epoll_ctl(this.#epoll, operation, fd, this.#event.buffer));
  }
}

/** The one of this process. */
export const reactor: Reactor = new Reactor();
