/** Where clients ask: a UDP socket and a TCP listener on one address. */

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { contains, type Prefix4 } from "../addr/prefix.ts";
import type { DatagramBatch } from "../linux/datagram_batch.ts";
import type { SocketAddress } from "../linux/socket_address.ts";
import type { UdpSocket } from "../linux/udp_socket.ts";
import { readFrames, writeFrame } from "./dns_frames.ts";

/** Who asked, kept while its question is on its way. */
export type Peer = {
  /**
   * Sends the first `length` bytes of `message`, which are written over when this has returned. `by`: the upstream that
   * has just said so, if one has.
   */
  reply(message: Uint8Array<ArrayBuffer>, length: number, by?: string): void;
};

/** What is behind the listeners. */
export interface QueryHandler {
  /** Writes the answer to `out` and returns its length, `dropped` or `mustAsk`. */
  answer(query: Uint8Array, length: number, isStream: boolean, out: Uint8Array): number;
  /** Directly after `answer` has returned `mustAsk`. */
  askUpstream(query: Uint8Array, isStream: boolean, peer: Peer): void;
  /** After one or more queries. */
  flush(): void;
}

export type ListenAddress = { readonly address: string; readonly port: number };
export type Listener = { readonly port: number; close(): Promise<void> };

/** Datagrams per system call, bytes for each (an answer has 1,232, an extended error may follow), bytes of waiting ones. */
const batch = 64;
const datagramRoom = 2048;
const receiveBuffer = 1 << 20;

/** Bytes of an answer by TCP, an extended error included. */
export const streamRoom = 66_048;

const maxConnections = 128;
const maxConnectionsPerClient = 16;
/** Answers that a connection may have outstanding, and bytes of them not yet sent, before no more is read from it. */
const maxOutstanding = 64;
const maxUnsent = 1 << 17;
/** More is for somebody who asks for large answers and does not take them. Bytes. */
const intolerableUnsent = 1 << 19;
/** Milliseconds (RFC 7766 section 6.2.3). */
const usualIdleMs = 10_000;

/** Datagrams, many with one system call where the C library is there to make it. */
export async function listenDatagrams(listen: ListenAddress, allow: Prefix4, handler: QueryHandler): Promise<Listener> {
  let UdpSocket;
  try {
    ({ UdpSocket } = await import("../linux/udp_socket.ts"));
  } catch {
    return await listenSingleDatagrams(listen, allow, handler);
  }
  const address = parseIpv4(listen.address);
  const socket = UdpSocket.open({ address, port: listen.port, batch, maxSize: datagramRoom, receiveBuffer });
  const replies = new DatagramReplies(socket);
  const serving = socket.serve((received) => serveBatch(received, socket, replies, allow, handler));
  const close = async () => {
    socket.close();
    await serving;
  };
  return { port: socket.port, close };
}

function serveBatch(
  received: DatagramBatch,
  socket: UdpSocket,
  replies: DatagramReplies,
  allow: Prefix4,
  handler: QueryHandler,
): void {
  for (let index = 0; index < received.count; index++) {
    const address = received.address(index);
    if (!contains(allow, address)) continue;
    // The answer is written over the query, which has been read by then.
    const query = received.bytes(index);
    const length = handler.answer(query, query.length, false, received.buffer(index));
    if (length > 0) {
      received.reply(index, length);
    } else if (length < 0) {
      handler.askUpstream(query, false, new DatagramPeer(replies, { address, port: received.port(index) }));
    }
  }
  socket.sendBatch();
  handler.flush();
}

class DatagramPeer implements Peer {
  constructor(readonly replies: DatagramReplies, readonly to: SocketAddress) {}

  reply(message: Uint8Array<ArrayBuffer>, length: number): void {
    this.replies.add(message.subarray(0, length), this.to);
  }
}

/** Answers that upstreams gave: what becomes ready in one turn of the event loop leaves with one system call. */
class DatagramReplies {
  #isWaiting = false;

  constructor(readonly socket: UdpSocket) {}

  add(message: Uint8Array, to: SocketAddress): void {
    this.#try(() => this.socket.add(message, to));
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    queueMicrotask(() => {
      this.#isWaiting = false;
      this.#try(() => this.socket.flush());
    });
  }

  #try(send: () => void): void {
    try {
      send();
    } catch {
      // A client that has gone, or a full buffer: lost as datagrams are.
    }
  }
}

/** Datagrams one by one through the runtime's own socket. */
export async function listenSingleDatagrams(
  listen: ListenAddress,
  allow: Prefix4,
  handler: QueryHandler,
): Promise<Listener> {
  const socket = createSocket("udp4");
  const out = new Uint8Array(datagramRoom);
  let isOpen = true;
  socket.on("message", (query, { address, port }) => {
    if (!isIpv4(address) || !contains(allow, parseIpv4(address))) return;
    const length = handler.answer(query, query.length, false, out);
    if (length > 0) {
      socket.send(out.slice(0, length), port, address);
    } else if (length < 0) {
      const reply = (message: Uint8Array, length: number) =>
        isOpen && socket.send(message.slice(0, length), port, address);
      handler.askUpstream(query, false, { reply });
    }
    handler.flush();
  });
  socket.bind({ address: listen.address, port: listen.port, exclusive: true });
  await once(socket, "listening");
  // What cannot be sent is lost, as datagrams are.
  socket.on("error", () => {});
  const close = async () => {
    isOpen = false;
    const closed = once(socket, "close");
    socket.close();
    await closed;
  };
  return { port: socket.address().port, close };
}

const acceptRetryMs = 100;

/**
 * Connections: pipelined queries, answered in any order (RFC 7766 section 6.2.1.1).
 *
 * @param idleMs how long a connection is kept on which nothing happens
 */
export function listenStreams(
  listen: ListenAddress,
  allow: Prefix4,
  handler: QueryHandler,
  idleMs = usualIdleMs,
): Listener {
  const listener = Deno.listen({ hostname: listen.address, port: listen.port, transport: "tcp" });
  const connections = new Set<StreamPeer>();
  let isOpen = true;
  const accept = async () => {
    while (isOpen) {
      const connection = await nextConnection();
      if (connection === undefined) continue;
      const address = connection.remoteAddr.hostname;
      const ofClient = [...connections].filter((one) => one.address === address).length;
      const isWelcome = isIpv4(address) && contains(allow, parseIpv4(address)) && ofClient < maxConnectionsPerClient;
      if (!isWelcome) {
        connection.close();
        continue;
      }
      const [oldest] = connections;
      // A server may close a connection at any time (RFC 7766 section 6.2.3): a few clients do not keep the others out.
      if (oldest !== undefined && connections.size >= maxConnections) {
        connections.delete(oldest);
        oldest.close();
      }
      const peer = new StreamPeer(connection, address, idleMs);
      connections.add(peer);
      peer.serve(handler).finally(() => connections.delete(peer));
    }
  };
  /** `undefined`: too many files are open in this process, or the connection ended before its turn came. */
  const nextConnection = async () => {
    try {
      return await listener.accept();
    } catch {
      if (isOpen) await new Promise((resolve) => setTimeout(resolve, acceptRetryMs));
      return undefined;
    }
  };
  const accepting = accept();
  const close = async () => {
    isOpen = false;
    listener.close();
    for (const peer of connections) peer.close();
    await accepting;
  };
  return { port: listener.addr.port, close };
}

/** An answer is copied from here before the next one is written. */
const streamAnswer = new Uint8Array(streamRoom);

class StreamPeer implements Peer {
  #outstanding = 0;
  /** Bytes. */
  #unsent = 0;
  #resume: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isOpen = true;
  /** When a question came or an answer was taken. */
  #activeAt = performance.now();
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly connection: Deno.TcpConn, readonly address: string, readonly idleMs: number) {
    this.#closeWhenIdle();
  }

  /** Until the connection is closed. */
  async serve(handler: QueryHandler): Promise<void> {
    await readFrames(this.connection, (query) => {
      this.#activeAt = performance.now();
      const length = handler.answer(query, query.length, true, streamAnswer);
      this.#outstanding++;
      if (length > 0) this.reply(streamAnswer, length);
      else if (length < 0) handler.askUpstream(query, true, this);
      else this.close();
      handler.flush();
      const isTooMuch = this.#outstanding >= maxOutstanding || this.#unsent >= maxUnsent;
      return isTooMuch && this.#isOpen ? this.#progress() : undefined;
    });
    // A client that has ended its side only has no more to ask: it still waits for the answers.
    while (this.#isOpen && this.#outstanding > 0) await this.#progress();
    this.close();
  }

  reply(message: Uint8Array, length: number): void {
    if (!this.#isOpen) return;
    this.#unsent += length;
    if (this.#unsent > intolerableUnsent) return this.close();
    const copy = message.slice(0, length);
    this.#writing = this.#writing.then(() => writeFrame(this.connection, copy)).catch(() => this.close())
      .then(() => this.#written(length));
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearTimeout(this.#idleTimer);
    this.connection.close();
    this.#resume?.();
  }

  #written(length: number): void {
    this.#outstanding--;
    this.#unsent -= length;
    this.#activeAt = performance.now();
    this.#resume?.();
    this.#resume = undefined;
  }

  /** Until an answer has been taken, or the connection is closed. */
  #progress(): Promise<void> {
    return new Promise((resolve) => this.#resume = resolve);
  }

  /** A client that neither asks nor takes its answers for so long makes room for others. */
  #closeWhenIdle(): void {
    const leftMs = this.#activeAt + this.idleMs - performance.now();
    if (leftMs <= 0) this.close();
    else this.#idleTimer = setTimeout(() => this.#closeWhenIdle(), leftMs);
  }
}
