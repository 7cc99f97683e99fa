/** Sockets of netlink(7). */

import { MissingCapabilityError } from "../errors.ts";
import { AF_NETLINK, libc, pinned, SOCK_CLOEXEC, SOCK_RAW } from "./libc.ts";
import { type Attribute, decodeMessages, encodeMessage, type Message } from "./netlink_message.ts";
import { check, SocketError } from "./socket_error.ts";

/** linux/netlink.h. */
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
const EPERM = 1;

/** What stands in front of the attributes in messages of NETLINK_NETFILTER (linux/netfilter/nfnetlink.h). Bytes. */
export const nfgenmsgSize = 4;

/** Longer than what the kernel puts into one datagram (32 KiB). */
const bufferSize = 65_536;
/** A dump during which something changed may lack it: it is begun anew, so often at most. */
const mostDumps = 5;

export type Request = {
  /** What it does, for an error. */
  readonly operation: string;
  readonly type: number;
  /** Beside those that every request of its kind has. */
  readonly flags?: number;
  /** The struct of the message type. */
  readonly fixed: Uint8Array;
  readonly attributes?: readonly Attribute[];
};

/**
 * A socket whose requests wait on another thread: the kernel makes all namespaces of a node take turns when they look at
 * and change links and routes; on one that starts many Pods at once, turns of over 10 s were seen. One request at a time.
 */
export class Netlink implements Disposable {
  readonly #fd: number;
  readonly #buffer = pinned(bufferSize);

  /** @param protocol NETLINK_ROUTE, ... (linux/netlink.h) */
  constructor(protocol = NETLINK_ROUTE) {
    this.#fd = check("socket(AF_NETLINK)", libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  }

  /** @throws {SocketError} the kernel has no answer, such as `ENODEV` */
  async ask(request: Request): Promise<Message> {
    await this.#send(request, NLM_F_REQUEST);
    return (await this.#receive(request))[0]!;
  }

  /**
   * @throws {MissingCapabilityError} without NET_ADMIN
   * @throws {SocketError} the kernel refuses it
   */
  async change(request: Request): Promise<void> {
    await this.#send(request, NLM_F_REQUEST | NLM_F_ACK);
    await this.#receive(request);
  }

  /** All that there is of a kind. */
  async dump(request: Request): Promise<readonly Message[]> {
    return await this.dumpAs(request, (message) => message);
  }

  /** What `read` makes of all that there is of a kind, if anything, as it comes: there may be very much. */
  async dumpAs<T>(request: Request, read: (message: Message) => T | undefined): Promise<readonly T[]> {
    let results: T[] = [];
    for (let attempt = 0; attempt < mostDumps; attempt++) {
      results = [];
      let [isDone, isWhole] = [false, true];
      await this.#send(request, NLM_F_REQUEST | NLM_F_DUMP);
      while (!isDone) {
        for (const message of await this.#receive(request)) {
          isDone = message.type === NLMSG_DONE;
          isWhole &&= (message.flags & NLM_F_DUMP_INTR) === 0;
          const result = isDone ? undefined : read(message);
          if (result !== undefined) results.push(result);
        }
      }
      if (isWhole) break;
    }
    return results;
  }

  [Symbol.dispose](): void {
    libc.close(this.#fd);
  }

  async #send({ operation, type, flags = 0, fixed, attributes = [] }: Request, kind: number): Promise<void> {
    const message = encodeMessage({ type, flags: kind | flags, sequence: 1 }, fixed, attributes);
    this.#buffer.set(message);
    const address = Deno.UnsafePointer.of(this.#buffer);
    const sent = await libc.send_waiting(this.#fd, address, BigInt(message.length), 0);
    if (sent < 0) throw new SocketError(operation, 0);
  }

  async #receive({ operation }: Request): Promise<readonly Message[]> {
    const address = Deno.UnsafePointer.of(this.#buffer);
    const length = await libc.recv_waiting(this.#fd, address, BigInt(bufferSize), 0);
    const messages = decodeMessages(this.#buffer.slice(0, Math.max(0, length)));
    if (messages[0] === undefined) throw new SocketError(operation, 0);
    refuse(operation, messages[0]);
    return messages;
  }
}

/** One question and its answer, at once: for what the kernel does not make wait for others. */
export function askAtOnce(request: Request): Message {
  const { operation, type, flags = 0, fixed, attributes = [] } = request;
  const fd = check("socket(AF_NETLINK)", libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  try {
    const message = encodeMessage({ type, flags: NLM_F_REQUEST | flags, sequence: 1 }, fixed, attributes);
    const kernel = new Uint8Array(12);
    kernel[0] = AF_NETLINK;
    check(operation, libc.sendto(fd, message, BigInt(message.length), 0, kernel, kernel.length));
    const answer = new Uint8Array(16_384);
    const length = check(operation, libc.recv(fd, answer, BigInt(answer.length), 0));
    const first = decodeMessages(answer.subarray(0, length))[0];
    if (first === undefined) throw new SocketError(operation, 0);
    refuse(operation, first);
    return first;
  } finally {
    libc.close(fd);
  }
}

/** An acknowledgement is an error message with the number 0. */
export function refuse(operation: string, { type, payload }: Message): void {
  if (type !== NLMSG_ERROR) return;
  const number = -new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getInt32(0, true);
  if (number === 0) return;
  const error = new SocketError(operation, number);
  throw number === EPERM ? new MissingCapabilityError("NET_ADMIN", error) : error;
}
