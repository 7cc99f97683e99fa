/** One question to the `pgw` that runs in this Pod. */

import { PgwError } from "../errors.ts";

export type HttpAnswer = { readonly status: number; readonly body: string };

/** Nobody answers on the port where a running `pgw` would. */
export class NotRunningError extends PgwError {}

const timeoutMs = 5000;

/**
 * Asks `http://127.0.0.1:port/path` by HTTP/1.0, whose answer ends with the connection. Not by `fetch`: that would go
 * through the proxy that HTTP_PROXY names, and costs a probe 2 ms and 1.3 MB more.
 *
 * @throws {NotRunningError} when nobody listens, or the answer takes longer than 5 s or is none
 */
export async function httpGet(port: number, path: string): Promise<HttpAnswer> {
  const where = `http://127.0.0.1:${port}`;
  let connection: Deno.Conn;
  try {
    connection = await Deno.connect({ hostname: "127.0.0.1", port });
  } catch (cause) {
    throw new NotRunningError(
      `nothing listens on ${where}: pgw is not running in this Pod, not yet, or with another PGW_HTTP_PORT`,
      { cause },
    );
  }
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    connection.close();
  }, timeoutMs);
  try {
    const writer = connection.writable.getWriter();
    await writer.write(new TextEncoder().encode(`GET ${path} HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\n\r\n`));
    writer.releaseLock();
    return parseAnswer(await new Response(connection.readable).text());
  } catch (cause) {
    const problem = timedOut ? `did not answer within ${timeoutMs / 1000} s` : "gave no answer that is HTTP";
    throw new NotRunningError(`${where}${path} ${problem}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

function parseAnswer(text: string): HttpAnswer {
  const head = /^HTTP\/1\.[01] ([0-9]{3})[^]*?\r\n\r\n/.exec(text);
  if (head === null) throw new SyntaxError("no HTTP status line and headers");
  return { status: Number(head[1]), body: text.slice(head[0].length) };
}
