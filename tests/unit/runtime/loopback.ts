/** Scripted peers on the loopback interface. */

export const loopback = "127.0.0.1";

export const encode = (text: string) => new TextEncoder().encode(text);
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A port on which nobody listens. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: loopback, port: 0 });
  return listener.addr.port;
}

/** Accepts connections and does with each what `act` says, until it is disposed of. */
export class Peer implements AsyncDisposable {
  readonly port: number;
  accepted = 0;
  readonly #listener = Deno.listen({ hostname: loopback, port: 0, transport: "tcp" });
  readonly #running = new Set<Promise<void>>();
  readonly #open = new Set<Deno.TcpConn>();

  constructor(readonly act: (connection: Deno.TcpConn, number: number) => Promise<void>) {
    this.port = this.#listener.addr.port;
    this.#accept();
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#open.add(connection);
      const running = this.act(connection, ++this.accepted).catch(() => {}).finally(() =>
        this.#running.delete(running)
      );
      this.#running.add(running);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) closeQuietly(connection);
    await Promise.all(this.#running);
  }
}

/** Reads a request to its empty line, answers, and closes. */
export function answering(text: string): (connection: Deno.TcpConn) => Promise<void> {
  return async (connection) => {
    await readHead(connection);
    await writeAll(connection, encode(text));
    closeQuietly(connection);
  };
}

export async function readHead(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(8192);
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const count = await connection.read(buffer);
    if (count === null) break;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
  return text;
}

/** Everything up to the end of the connection, however it ends. */
export async function readAll(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(8192);
  let text = "";
  try {
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      text += new TextDecoder().decode(buffer.subarray(0, count));
    }
  } catch {
    // A reset is an end as well.
  }
  return text;
}

export async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
}

export function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
