import assert from "node:assert/strict";
import { type HttpHandler, HttpServer } from "../../../mod/runtime/http_server.ts";
import { closeQuietly, encode, freePort, loopback, readAll, sleep, writeAll } from "./loopback.ts";

const handler: HttpHandler = (path) => {
  if (path === "/") return { status: 200, body: "10.42.1.6\n" };
  if (path === "/readyz") return { status: 503, body: "not yet: ü\n" };
  if (path === "/fails") throw new Error("a bug");
  return undefined;
};

/** Serves on a free port while `use` runs. */
async function serving(use: (port: number) => Promise<void>): Promise<void> {
  const port = freePort();
  const server = new HttpServer({ hostname: loopback, port }, handler);
  try {
    await use(port);
  } finally {
    server[Symbol.dispose]();
    await sleep(10);
  }
}

const connect = (port: number) => Deno.connect({ hostname: loopback, port });

/** What comes back for these bytes, up to the end of the connection. */
async function exchange(port: number, ...parts: (string | Uint8Array)[]): Promise<string> {
  using connection = await connect(port);
  for (const part of parts) {
    await writeAll(connection, typeof part === "string" ? encode(part) : part);
    if (parts.length > 1) await sleep(2);
  }
  return await readAll(connection);
}

const answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 10\r\n" +
  "Connection: close\r\n\r\n10.42.1.6\n";

Deno.test("HTTP server: GET, in one piece and byte by byte, with a query, headers and a body", () =>
  serving(async (port) => {
    assert.equal(await exchange(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), answer);
    assert.equal(await exchange(port, ..."GET / HTTP/1.0\r\n\r\n".split("")), answer);
    assert.equal(await exchange(port, "GET /?a=b&c HTTP/1.1\r\n\r\n"), answer);
    assert.equal(await exchange(port, "HEAD / HTTP/1.1\r\n\r\n"), answer.replace("10.42.1.6\n", ""));
    assert.match(
      await exchange(port, "GET /readyz HTTP/1.1\r\n\r\n"),
      /^HTTP\/1\.1 503 .*Content-Length: 12\r\n[^]*ü\n$/s,
    );
  }));

const hostile: readonly (readonly [name: string, request: string | Uint8Array])[] = [
  ["another path", "GET /nowhere HTTP/1.1\r\n\r\n"],
  ["a way out of a directory", "GET /../../etc/passwd HTTP/1.1\r\n\r\n"],
  ["an absolute URL", "GET http://127.0.0.1/ HTTP/1.1\r\n\r\n"],
  ["another method", "POST / HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n"],
  ["a proxy's method", "CONNECT 203.0.113.9:443 HTTP/1.1\r\n\r\n"],
  ["another protocol", "GET / HTTP/2\r\n\r\n"],
  ["no version", "GET /\r\n\r\n"],
  ["a path with bytes of zero and above 127", "GET /\0\xff HTTP/1.1\r\n\r\n"],
  ["a second request in the path", "GET /\r\nGET / HTTP/1.1\r\n\r\n"],
  ["nothing but an end", "\r\n\r\n"],
  ["a TLS greeting with an end in it", Uint8Array.of(22, 3, 1, 0, 200, 1, 13, 10, 13, 10)],
];

for (const [name, request] of hostile) {
  Deno.test(`HTTP server: ${name} is answered with 404`, () =>
    serving(async (port) => {
      assert.match(await exchange(port, request), /^HTTP\/1\.1 404 Not Found\r\n/);
    }));
}

Deno.test("HTTP server: a request without an end is cut off at 4096 bytes, without an answer", () =>
  serving(async (port) => {
    assert.equal(await exchange(port, `GET / HTTP/1.1\r\nX: ${"x".repeat(5_000)}`), "");
    assert.equal(await exchange(port, "GET / HTTP/1.1\r\n\r\n"), answer);
  }));

Deno.test("HTTP server: who goes away in the middle, or a handler that fails, harms nobody else", () =>
  serving(async (port) => {
    for (let index = 0; index < 50; index++) {
      const connection = await connect(port);
      await writeAll(connection, encode("GET / HT"));
      connection.close();
    }
    assert.match(await exchange(port, "GET /fails HTTP/1.1\r\n\r\n"), /^HTTP\/1\.1 500 Internal Server Error\r\n/);
    assert.equal(await exchange(port, "GET / HTTP/1.1\r\n\r\n"), answer);
  }));

Deno.test("HTTP server: 128 connections that say nothing keep nobody out, the oldest makes room", () =>
  serving(async (port) => {
    const idle: Deno.TcpConn[] = [];
    for (let index = 0; index < 128; index++) idle.push(await connect(port));
    await sleep(50);
    assert.equal(await exchange(port, "GET / HTTP/1.1\r\n\r\n"), answer);
    assert.equal(await readAll(idle[0]!), "");
    await writeAll(idle[1]!, encode("GET / HTTP/1.1\r\n\r\n"));
    assert.equal(await readAll(idle[1]!), answer);
    for (const connection of idle) closeQuietly(connection);
  }));

Deno.test("HTTP server: who says too little is cut off after 5 s", () =>
  serving(async (port) => {
    using connection = await connect(port);
    const begun = performance.now();
    const drip = setInterval(() => connection.write(encode("x")).catch(() => {}), 500);
    assert.equal(await readAll(connection), "");
    clearInterval(drip);
    const took = performance.now() - begun;
    assert(took > 4_900, `${took} ms`);
  }));

Deno.test("HTTP server: when it is disposed of, open connections end and the port is free", async () => {
  const port = freePort();
  const server = new HttpServer({ hostname: loopback, port }, handler);
  const connection = await connect(port);
  await sleep(20);
  server[Symbol.dispose]();
  assert.equal(await readAll(connection), "");
  closeQuietly(connection);
  new HttpServer({ hostname: loopback, port }, handler)[Symbol.dispose]();
  await sleep(10);
});
