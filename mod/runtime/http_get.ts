/** A small HTTP client: one question, one bounded answer, no proxy, no connection reused. */

import { PgwError } from "../errors.ts";
import { writeAll } from "./write_all.ts";

export type HttpAnswer = { readonly status: number; readonly body: string };

export type HttpQuestion = {
  /** An address, not a name. */
  readonly hostname: string;
  readonly port: number;
  readonly path: string;
  /** What the user called the host: sent as the Host header. */
  readonly host?: string;
  readonly timeoutMs: number;
  /** Bytes; a longer one is an error. Default 64 KiB. */
  readonly longestAnswer?: number;
  readonly signal?: AbortSignal;
};

/** Nobody listens there, or what came back is not an answer. */
export class HttpError extends PgwError {}

/** No answer in time: whoever should give it is gone, or something on the way drops packets. */
export class HttpTimeoutError extends HttpError {}

const defaultLongestAnswer = 1 << 16;
const firstBuffer = 4096;

/**
 * Asks by HTTP/1.0, whose answer ends with the connection. Not by `fetch`: that goes through the proxy that HTTP_PROXY
 * names, keeps connections (behind a Service: to one gateway), and costs 2 ms and 1.3 MB more.
 *
 * @throws {HttpError} when there is no answer in time, it is too long, or it is not HTTP
 */
export async function httpGet(question: HttpQuestion): Promise<HttpAnswer> {
  const { hostname, port, path, host, timeoutMs, signal, longestAnswer = defaultLongestAnswer } = question;
  const where = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}${path}`;
  const deadline = AbortSignal.timeout(timeoutMs);
  const ended = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  const connecting = Deno.connect({ hostname, port });
  try {
    const connection = await orAborted(connecting, ended);
    const close = () => connection.close();
    ended.addEventListener("abort", close, { once: true });
    try {
      const request = `GET ${path} HTTP/1.0\r\nHost: ${host ?? hostname}\r\nConnection: close\r\n\r\n`;
      await writeAll(connection, new TextEncoder().encode(request));
      return parseAnswer(await readAll(connection, longestAnswer));
    } finally {
      ended.removeEventListener("abort", close);
      if (!ended.aborted) connection.close();
    }
  } catch (cause) {
    connecting.then((connection) => ended.aborted && closeQuietly(connection), () => {});
    if (deadline.aborted) throw new HttpTimeoutError(`${where} did not answer within ${timeoutMs / 1000} s`, { cause });
    if (cause instanceof HttpError) throw new HttpError(`${where}: ${cause.message}`, { cause });
    throw new HttpError(`${where}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** What `promise` gives, unless `signal` comes first. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed when the question was given up.
  }
}

async function readAll(connection: Deno.Conn, longest: number): Promise<string> {
  let buffer = new Uint8Array(Math.min(firstBuffer, longest));
  let length = 0;
  for (;;) {
    if (length === buffer.length) {
      if (length >= longest) throw new HttpError(`the answer is longer than ${longest} bytes`);
      const larger = new Uint8Array(Math.min(4 * length, longest));
      larger.set(buffer);
      buffer = larger;
    }
    const count = await connection.read(buffer.subarray(length));
    if (count === null) return new TextDecoder().decode(buffer.subarray(0, length));
    length += count;
  }
}

function parseAnswer(text: string): HttpAnswer {
  const head = /^HTTP\/1\.[01] ([0-9]{3})[^]*?\r\n\r\n/.exec(text);
  if (head === null) throw new HttpError("the answer is not HTTP");
  return { status: Number(head[1]), body: text.slice(head[0].length) };
}
