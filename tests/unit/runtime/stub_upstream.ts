import { Buffer } from "node:buffer";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { type Answer, decode, encode } from "dns-packet";
import { readFrames, writeFrame } from "../../../mod/runtime/dns_frames.ts";

/** An upstream that answers each name with its own address, and notes what it was asked. */
export class StubUpstream implements AsyncDisposable {
  readonly names: string[] = [];
  readonly sources: number[] = [];
  isSilent = false;
  answers: (name: string) => Answer[] = (name) => [a(name, "203.0.113.7")];
  truncatesDatagrams = false;
  closesAfterAnswer = false;
  delayMs = 0;
  /** Called with each datagram before it is answered. */
  before: (query: Uint8Array, from: RemoteInfo) => void = () => {};
  connections = 0;
  #listener: Deno.TcpListener;

  private constructor(readonly socket: Socket, listener: Deno.TcpListener, readonly address: string) {
    socket.on("message", (query, from) => this.#answer(query, from));
    this.#listener = listener;
    this.#serveStreams();
  }

  static async open(address: string): Promise<StubUpstream> {
    for (let attempt = 1;; attempt++) {
      const listener = Deno.listen({ hostname: address, port: 0 });
      const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
      try {
        socket.bind({ address, port: listener.addr.port });
        await once(socket, "listening");
        return new StubUpstream(socket, listener, address);
      } catch (error) {
        // Some question in flight has this port for UDP.
        listener.close();
        socket.close();
        if (attempt === 10) throw error;
      }
    }
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  get text(): string {
    return this.address.includes(":") ? `[${this.address}]:${this.port}` : `${this.address}:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    const closed = once(this.socket, "close");
    this.socket.close();
    await closed;
  }

  #answer(query: Uint8Array, from: RemoteInfo): void {
    this.sources.push(from.port);
    if (this.isSilent) return;
    this.before(query, from);
    const send = () => this.socket.send(this.#respond(query, this.truncatesDatagrams), from.port, from.address);
    if (this.delayMs === 0) send();
    else setTimeout(send, this.delayMs);
  }

  #respond(query: Uint8Array, isTruncated = false): Uint8Array {
    const note = (name: string) => {
      this.names.push(name.toLowerCase());
      return isTruncated ? [] : this.answers(name);
    };
    return respond(query, note, isTruncated ? 0x0380 : 0x0180);
  }

  async #serveStreams(): Promise<void> {
    for await (const connection of this.#listener) {
      this.connections++;
      const answer = async (query: Uint8Array) => {
        await writeFrame(connection, this.#respond(query));
        if (this.closesAfterAnswer) throw new Error("that was all");
      };
      readFrames(connection, answer).finally(() => connection.close());
    }
  }
}

export function a(name: string, data: string): Answer {
  return { type: "A", name, ttl: 60, data };
}

export function respond(query: Uint8Array, answers: (name: string) => Answer[], flags = 0x0180): Uint8Array {
  const { id, questions } = decode(Buffer.from(query));
  const sections = { questions: questions ?? [], answers: answers(questions?.[0]?.name ?? "") };
  return encode({ type: "response", id: id ?? 0, flags, ...sections });
}
