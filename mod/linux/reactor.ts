/**
 * Waits until a socket has something to read: one thread for all sockets of the process, and none while nobody waits.
 *
 * Under load that thread's way to here, two switches of thread for each message, would take longer than most messages,
 * and much longer where processors are few. So when messages come one shortly after the other, the main thread waits for
 * the next one itself.
 */

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
/** After a wait of less, the next is taken to be no longer. Milliseconds. */
const shortWaitMs = 1;
/** So long at most is the rest of the process, its timers and Deno's own sockets, kept waiting by short waits. */
const longestTurnMs = 10;

type Watcher = { readonly act: () => void | Promise<void>; readonly left: () => void };

/** Tells when file descriptors become readable. */
export class Reactor {
  readonly #epoll = check("epoll_create1", libc.epoll_create1(EPOLL_CLOEXEC));
  readonly #wake = check("eventfd", libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  readonly #waiting = new Map<number, (readable: boolean) => void>();
  readonly #watchers = new Map<number, Watcher>();
  /** To be called once the thread waits no more. */
  readonly #leaving: (() => void)[] = [];
  /** Filled by another thread while `epoll_wait` runs. */
  readonly #events = pinned(maxEvents * epollEvent.size);
  readonly #view = new DataView(this.#events.buffer);
  readonly #event = new DataView(new ArrayBuffer(epollEvent.size));
  #running = false;

  constructor() {
    this.#control(EPOLL_CTL_ADD, this.#wake, EPOLLIN);
  }

  /** Must come before the first {@link readable} or {@link watch} of `fd`. */
  add(fd: number): void {
    this.#control(EPOLL_CTL_ADD, fd, EPOLLONESHOT);
  }

  /** Must come before `fd` is closed. Who waits for it or watches it is told. */
  remove(fd: number): void {
    this.#control(EPOLL_CTL_DEL, fd, 0);
    const tell = this.#waiting.get(fd);
    const watcher = this.#watchers.get(fd);
    if (tell === undefined && watcher === undefined) return;
    this.#waiting.delete(fd);
    this.#watchers.delete(fd);
    const leave = () => {
      tell?.(false);
      watcher?.left();
    };
    if (this.#isWanted) return leave();
    this.#leaving.push(leave);
    check("eventfd_write", libc.eventfd_write(this.#wake, 1n));
  }

  /** Resolves to `true` when `fd` has something to read or an error to tell, to `false` when it was removed. */
  readable(fd: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting.set(fd, resolve);
    this.#control(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT);
    if (!this.#running) this.#run();
    return promise;
  }

  /**
   * Has `act` called whenever `fd` has something to read, until it is removed, which is when the result resolves. For what
   * is busy: it costs nothing but the call. While a promise that `act` returned is pending, it is not called.
   */
  watch(fd: number, act: Watcher["act"]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#watchers.set(fd, { act, left: resolve });
    this.#control(EPOLL_CTL_MOD, fd, EPOLLIN);
    if (!this.#running) this.#run();
    return promise;
  }

  get #isWanted(): boolean {
    return this.#waiting.size > 0 || this.#watchers.size > 0;
  }

  async #run(): Promise<void> {
    this.#running = true;
    let turnAt = performance.now();
    let isShort = false;
    while (this.#isWanted) {
      const since = performance.now();
      let count = 0;
      if (isShort && since - turnAt < longestTurnMs) {
        // What was put off to the end of the turn goes first.
        await undefined;
        count = libc.epoll_wait(this.#epoll, this.#events, maxEvents, shortWaitMs);
      }
      if (count <= 0) {
        count = await libc.epoll_wait_waiting(this.#epoll, Deno.UnsafePointer.of(this.#events), maxEvents, -1);
        turnAt = performance.now();
      }
      const waited = performance.now() - since;
      // A negative count is EINTR, a signal: nothing to read, wait again.
      isShort = this.#tell(count) && waited < shortWaitMs;
    }
    this.#running = false;
  }

  /** Whether all who were told have done all that they had to do. */
  #tell(count: number): boolean {
    let isDone = true;
    for (let index = 0; index < count; index++) {
      const fd = this.#view.getInt32(index * epollEvent.size + epollEvent.data, true);
      const watcher = this.#watchers.get(fd);
      if (watcher !== undefined) {
        const acting = watcher.act();
        if (acting === undefined) continue;
        this.#pauseFor(fd, watcher, acting);
      } else if (fd === this.#wake) {
        libc.eventfd_read(fd, new BigUint64Array(1));
      } else {
        this.#waiting.get(fd)?.(true);
        this.#waiting.delete(fd);
      }
      isDone = false;
    }
    if (this.#leaving.length > 0) this.#leaving.splice(0).forEach((leave) => leave());
    return isDone;
  }

  async #pauseFor(fd: number, watcher: Watcher, acting: Promise<void>): Promise<void> {
    // What it did may have removed it.
    const isWatched = () => this.#watchers.get(fd) === watcher;
    if (isWatched()) this.#control(EPOLL_CTL_MOD, fd, 0);
    await acting;
    if (isWatched()) this.#control(EPOLL_CTL_MOD, fd, EPOLLIN);
  }

  #control(operation: number, fd: number, events: number): void {
    this.#event.setUint32(0, events, true);
    this.#event.setInt32(epollEvent.data, fd, true);
    check("epoll_ctl", libc.epoll_ctl(this.#epoll, operation, fd, this.#event.buffer));
  }
}

/** The one of this process. */
export const reactor: Reactor = new Reactor();
