/** A small HTTP server for short answers: every connection is bounded in time and bytes, and their number is too. */

import { logger } from "./log.ts";
import { writeAll } from "./write_all.ts";

/** A value as the JSON that clients of the HTTP port get. */
export function jsonReply(value: unknown): HttpReply {
  return { status: 200, contentType: "application/json", body: `${JSON.stringify(value)}\n` };
}

export type HttpReply = {
  readonly status: 200 | 404 | 500 | 503;
  readonly contentType?: string;
  readonly body: string;
};

/**
 * Answers a GET; `undefined`: there is nothing at `path` (which has no query). `isLocal`: a program of this host asks, by
 * the loopback interface.
 */
export type HttpHandler = (path: string, isLocal: boolean) => HttpReply | undefined | Promise<HttpReply | undefined>;

const log = logger("http");
const mostConnections = 128;
const longestRequest = 4096;
const deadlineMs = 5_000;
const retryMs = 100;
const reasons = { 200: "OK", 404: "Not Found", 500: "Internal Server Error", 503: "Service Unavailable" } as const;

export class HttpServer implements Disposable {
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.TcpConn>();
  #closed = false;

  /** @throws {Deno.errors.AddrInUse} */
  constructor(listen: { readonly hostname: string; readonly port: number }, readonly handler: HttpHandler) {
    this.#listener = Deno.listen({ ...listen, transport: "tcp" });
    this.#accept();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#listener.close();
    for (const connection of this.#connections) this.#end(connection);
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        const connection = await this.#listener.accept();
        const [oldest] = this.#connections;
        // Whoever opens many and says nothing must not keep a kubelet's question out, which takes no time.
        if (oldest !== undefined && this.#connections.size >= mostConnections) this.#end(oldest);
        this.#serve(connection);
      } catch {
        // Too many files are open in this process, or the connection ended before its turn came. Or it is closed.
        if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    this.#connections.add(connection);
    const timer = setTimeout(() => this.#end(connection), deadlineMs);
    try {
      const request = await readRequest(connection);
      if (request === undefined) return;
      const isLocal = connection.remoteAddr.hostname.startsWith("127.");
      await writeAll(connection, new TextEncoder().encode(await this.#reply(request, isLocal)));
    } catch {
      // The other side went away, or took too long: its own loss.
    } finally {
      clearTimeout(timer);
      this.#end(connection);
    }
  }

  async #reply(request: string, isLocal: boolean): Promise<string> {
    const [, method, path] = /^(GET|HEAD) ([^ ?]+)[^ ]* HTTP\/1\.[01]\r\n/.exec(request) ?? [];
    const { status, contentType = "text/plain; charset=utf-8", body }: HttpReply =
      (path === undefined ? undefined : await this.#handle(path, isLocal)) ??
        { status: 404, body: "there is nothing here\n" };
    const length = new TextEncoder().encode(body).length;
    const head =
      `HTTP/1.1 ${status} ${reasons[status]}\r\nContent-Type: ${contentType}\r\nContent-Length: ${length}\r\n` +
      "Connection: close\r\n\r\n";
    return method === "HEAD" ? head : head + body;
  }

  async #handle(path: string, isLocal: boolean): Promise<HttpReply | undefined> {
    try {
      return await this.handler(path, isLocal);
    } catch (error) {
      log.error("GET {path} cannot be answered: {error}", { path, error });
      return { status: 500, body: "it cannot be told: see the log\n" };
    }
  }

  #end(connection: Deno.TcpConn): void {
    if (!this.#connections.delete(connection)) return;
    connection.close();
  }
}

/** The request up to the empty line; `undefined`: it ended before, or is too long. */
async function readRequest(connection: Deno.TcpConn): Promise<string | undefined> {
  const buffer = new Uint8Array(longestRequest);
  let length = 0;
  while (length < buffer.length) {
    const count = await connection.read(buffer.subarray(length));
    if (count === null) return undefined;
    length += count;
    const text = new TextDecoder("latin1").decode(buffer.subarray(0, length));
    if (text.includes("\r\n\r\n")) return text;
  }
  return undefined;
}
