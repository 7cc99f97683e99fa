/** What the kernel tells of by itself: netlink(7)'s multicast groups. */

import { AF_NETLINK, EAGAIN, EINTR, errno, libc, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW } from "./libc.ts";
import { decodeMessages, type Message } from "./netlink_message.ts";
import { reactor } from "./reactor.ts";
import { check, SocketError } from "./socket_error.ts";
import { attachFilter, type FilterInstruction } from "./socket_filter.ts";

const ENOBUFS = 105;

export type ListenerOptions = {
  /** Such as NETLINK_ROUTE. */
  readonly protocol: number;
  /** A bit for each. */
  readonly groups: number;
  /** Only what passes it is heard. Default: everything. */
  readonly filter?: readonly FilterInstruction[];
};

/** The notices that came together. `lost`: more happened than the kernel could keep for us. */
export type Notices = { readonly messages: readonly Message[]; readonly lost: boolean };

export class NetlinkListener implements Disposable {
  readonly #buffer = new Uint8Array(8192);
  #closed = false;

  private constructor(readonly fd: number) {
    reactor.add(fd);
  }

  /** Hears what happens from now on. */
  static open({ protocol, groups, filter }: ListenerOptions): NetlinkListener {
    const type = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const fd = check("socket(AF_NETLINK)", libc.socket(AF_NETLINK, type, protocol));
    const name = new Uint8Array(12);
    const view = new DataView(name.buffer);
    view.setUint16(0, AF_NETLINK, true);
    view.setUint32(8, groups, true);
    try {
      if (filter !== undefined) attachFilter(fd, filter);
      check("listening to netlink", libc.bind(fd, name, name.length));
    } catch (error) {
      libc.close(fd);
      throw error;
    }
    return new NetlinkListener(fd);
  }

  /** What has come since the last call, as soon as anything has; `undefined` once closed. One call at a time. */
  async next(): Promise<Notices | undefined> {
    while (!this.#closed) {
      const notices = this.#drain();
      if (notices.lost || notices.messages.length > 0) return notices;
      await reactor.readable(this.fd);
    }
    return undefined;
  }

  /** Ends a pending `next` at once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    reactor.remove(this.fd);
    libc.close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #drain(): Notices {
    const messages: Message[] = [];
    let lost = false;
    for (;;) {
      const length = libc.recv(this.fd, this.#buffer, BigInt(this.#buffer.length), 0);
      if (length < 0) {
        const number = errno();
        if (number === EAGAIN || number === EINTR) return { messages, lost };
        if (number !== ENOBUFS) throw new SocketError("listening to netlink", number);
        lost = true;
      }
      messages.push(...decodeMessages(this.#buffer.slice(0, Math.max(0, length))));
    }
  }
}
