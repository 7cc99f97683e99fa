/** Sockets to upstream DNS servers: UDP with a port of its own for each question, TCP and TLS shared by many. */

import { createSocket } from "node:dgram";
import type { Listening } from "../dns/pending.ts";
import { formatUpstream, type UpstreamAddress } from "../dns/upstream_address.ts";
import { readFrames, writeFrame } from "./dns_frames.ts";

export type Reception = {
  /** A message came. The bytes are the receiver's until it returns. */
  received(bytes: Uint8Array, length: number): void;
  /** The message could not be sent, or nothing will come any more. */
  failed(): void;
};

/** How questions leave. Another implementation may bind them to a device. */
export interface UpstreamSockets {
  /** Sends `message`; what comes from exactly this server goes to `reception` until the result is closed. */
  ask(
    server: UpstreamAddress,
    transport: "udp" | "tcp" | "tls",
    message: Uint8Array<ArrayBuffer>,
    reception: Reception,
  ): Listening;
  close(): Promise<void>;
}

/** How long a connection without a question is kept (RFC 7766 section 6.2.3), milliseconds. */
const idleMs = 10_000;
/**
 * A connection that has said nothing for so long, though asked, takes no further question, milliseconds: where a VPN came
 * back at another address, or a router forgot the connection, the kernel goes on trying for a quarter of an hour.
 */
const silenceMs = 1_000;

/** What asks by UDP. */
type DatagramAsker = Pick<UpstreamSockets, "close"> & {
  ask(server: UpstreamAddress, message: Uint8Array<ArrayBuffer>, reception: Reception): Listening;
};

/**
 * Ordinary sockets of this host.
 *
 * @param caCerts authorities in PEM that are trusted beside those of the runtime
 * @param mark the packet mark of questions by UDP; needs NET_ADMIN, and the C library: nothing is asked without it
 */
export async function openUpstreamSockets(caCerts: readonly string[] = [], mark?: number): Promise<UpstreamSockets> {
  try {
    const { QuestionSockets } = await import("../linux/question_sockets.ts");
    (await import("../linux/file_limit.ts")).raiseFileLimit();
    return new HostUpstreamSockets(new QuestionSockets(mark), caCerts);
  } catch (error) {
    // A question that should be marked must not leave as any other: no rule would hold it while the VPN is down.
    if (mark !== undefined) throw error;
    // Without the C library: the runtime's own sockets.
    return new HostUpstreamSockets({ ask: askDatagram, close: () => Promise.resolve() }, caCerts);
  }
}

class HostUpstreamSockets implements UpstreamSockets {
  /** The newest of each server and transport; older ones may still wait for answers. */
  readonly #streams = new Map<string, Stream>();
  readonly #open = new Set<Stream>();
  #isOpen = true;

  constructor(readonly datagrams: DatagramAsker, readonly caCerts: readonly string[]) {}

  ask(
    server: UpstreamAddress,
    transport: "udp" | "tcp" | "tls",
    message: Uint8Array<ArrayBuffer>,
    reception: Reception,
  ) {
    if (transport === "udp") return this.datagrams.ask(server, message, reception);
    const ask = () => {
      const stream = this.#stream(server, transport, message);
      // A server may close a connection that it has answered on at any time, and is asked again on the next one (RFC 7766
      // section 6.2.4). That each has brought an answer bounds their number.
      const failed = () => {
        if (stream.answered > 0 && this.#isOpen) question = ask();
        else reception.failed();
      };
      return stream.ask(message, { received: reception.received, failed });
    };
    let question = ask();
    return { close: () => question.close() };
  }

  /** The newest connection to a server if it takes `message`, or a new one. */
  #stream(server: UpstreamAddress, transport: "tcp" | "tls", message: Uint8Array): Stream {
    const key = `${transport} ${formatUpstream(server)}`;
    const newest = this.#streams.get(key);
    if (newest?.accepts(message)) return newest;
    const onClosed = () => this.#open.delete(stream);
    const stream: Stream = new Stream(server, transport, this.caCerts, newest?.capacity ?? Infinity, onClosed);
    this.#streams.set(key, stream);
    this.#open.add(stream);
    return stream;
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    for (const stream of [...this.#open]) stream.close();
    this.#streams.clear();
    await this.datagrams.close();
  }
}

function askDatagram(server: UpstreamAddress, message: Uint8Array, reception: Reception): Listening {
  const socket = createSocket(server.address.includes(":") ? "udp6" : "udp4");
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    socket.close();
  };
  const fail = () => {
    if (!isOpen) return;
    close();
    reception.failed();
  };
  socket.on("error", fail);
  socket.on("message", (bytes, { address, port }) => {
    if (isOpen && port === server.port && address === server.address) reception.received(bytes, bytes.length);
  });
  socket.send(message, server.port, server.address, (error) => {
    if (error !== null) fail();
  });
  return { close };
}

/** One connection with many questions on their way (RFC 7766 section 6.2.1.1), told apart by their ids. */
class Stream {
  /** How many got their answer from it. */
  answered = 0;
  /** Questions at once, until it has answered more: as many as the last one answered that broke off with some waiting. */
  capacity: number;
  readonly #waiting = new Map<number, Reception>();
  #connection: Deno.Conn | undefined;
  readonly #opening: Promise<void>;
  #writing: Promise<void>;
  #isOpen = true;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  /** When it was asked first since it last said something. */
  #silentSince = Infinity;

  constructor(
    server: UpstreamAddress,
    transport: "tcp" | "tls",
    caCerts: readonly string[],
    capacity: number,
    readonly onClosed: () => void,
  ) {
    this.capacity = capacity;
    this.#opening = this.#open(server, transport, caCerts);
    this.#writing = this.#opening;
  }

  accepts(message: Uint8Array): boolean {
    return this.#isOpen && performance.now() - this.#silentSince < silenceMs && !this.#waiting.has(idOf(message)) &&
      this.#waiting.size < Math.max(this.capacity, this.answered);
  }

  ask(message: Uint8Array, reception: Reception): Listening {
    const id = idOf(message);
    this.#waiting.set(id, reception);
    this.#silentSince = Math.min(this.#silentSince, performance.now());
    clearTimeout(this.#idleTimer);
    this.#writing = this.#writing.then(() => this.#write(message)).catch(() => this.close());
    return {
      close: () => {
        if (this.#waiting.get(id) !== reception) return;
        this.#waiting.delete(id);
        this.#closeWhenIdle();
      },
    };
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearTimeout(this.#idleTimer);
    this.#connection?.close();
    if (this.#waiting.size > 0 && this.answered > 0) this.capacity = this.answered;
    this.onClosed();
    // Not in the middle of the caller's own step. Who does not listen any more by then is not told.
    queueMicrotask(() => {
      for (const [id, reception] of this.#waiting) {
        this.#waiting.delete(id);
        reception.failed();
      }
    });
  }

  async #open(server: UpstreamAddress, transport: "tcp" | "tls", caCerts: readonly string[]): Promise<void> {
    const plain = await Deno.connect({ hostname: server.address, port: server.port });
    const connection = transport === "tls"
      ? await Deno.startTls(plain, { hostname: server.serverName ?? server.address, caCerts: [...caCerts] })
      : plain;
    if (!this.#isOpen) {
      connection.close();
      return;
    }
    this.#connection = connection;
    this.#read(connection);
    this.#closeWhenIdle();
  }

  async #write(message: Uint8Array): Promise<void> {
    if (this.#connection !== undefined && this.#isOpen) await writeFrame(this.#connection, message);
  }

  async #read(connection: Deno.Conn): Promise<void> {
    await readFrames(connection, (frame) => {
      if (frame.length >= 2) this.#receive(frame);
      this.#silentSince = this.#waiting.size === 0 ? Infinity : performance.now();
      return undefined;
    });
    this.close();
  }

  #receive(frame: Uint8Array): void {
    const id = idOf(frame);
    const reception = this.#waiting.get(id);
    reception?.received(frame, frame.length);
    // The receiver stops listening when it has what it waited for.
    if (reception !== undefined && this.#waiting.get(id) !== reception) this.answered++;
  }

  #closeWhenIdle(): void {
    clearTimeout(this.#idleTimer);
    if (this.#isOpen && this.#waiting.size === 0) this.#idleTimer = setTimeout(() => this.close(), idleMs);
  }
}

function idOf(message: Uint8Array): number {
  return (message[0]! << 8) | message[1]!;
}
