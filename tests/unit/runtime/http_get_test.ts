import assert from "node:assert/strict";
import { HttpError, httpGet, HttpTimeoutError } from "../../../mod/runtime/http_get.ts";
import {
  answering,
  closeQuietly,
  encode,
  freePort,
  loopback,
  Peer,
  readAll,
  readHead,
  sleep,
  writeAll,
} from "./loopback.ts";

const question = (port: number) => ({ hostname: loopback, port, path: "/v1/gateway", timeoutMs: 5_000 });

Deno.test("HTTP question: what is asked, and the status and body of the answer", async () => {
  let asked = "";
  await using peer = new Peer(async (connection) => {
    asked = await readHead(connection);
    // In pieces that end where they like.
    for (const part of ["HTTP/1.1 20", "0 OK\r\nX: y\r", "\n\r\nbo", "dy\n"]) {
      await writeAll(connection, encode(part));
      await sleep(5);
    }
    closeQuietly(connection);
  });
  assert.deepEqual(await httpGet({ ...question(peer.port), host: "gateway.vpn" }), { status: 200, body: "body\n" });
  assert.equal(asked, "GET /v1/gateway HTTP/1.0\r\nHost: gateway.vpn\r\nConnection: close\r\n\r\n");
});

Deno.test("HTTP question: an error's status is an answer, and so is an empty body", async () => {
  await using peer = new Peer(answering("HTTP/1.0 503 \r\n\r\n"));
  assert.deepEqual(await httpGet(question(peer.port)), { status: 503, body: "" });
});

for (
  const text of [
    "",
    "220 mail.example ESMTP\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/2 200\r\n\r\n",
    "HTTP/1.1 2\r\n\r\n",
    "\0\0\0\0",
  ]
) {
  Deno.test(`HTTP question: ${JSON.stringify(text)} is no answer`, async () => {
    await using peer = new Peer(answering(text));
    await assert.rejects(httpGet(question(peer.port)), (error) => {
      assert(error instanceof HttpError);
      assert.equal(error.message, `http://127.0.0.1:${peer.port}/v1/gateway: the answer is not HTTP`);
      return true;
    });
  });
}

Deno.test("HTTP question: an answer without an end is cut off at its limit", async () => {
  let sent = 0;
  await using peer = new Peer(async (connection) => {
    await readHead(connection);
    await writeAll(connection, encode("HTTP/1.1 200 OK\r\n\r\n"));
    for (; sent < 100 << 20; sent += 65_536) await writeAll(connection, new Uint8Array(65_536));
  });
  await assert.rejects(httpGet(question(peer.port)), /the answer is longer than 65536 bytes/);
  await sleep(20);
  assert(sent < 20 << 20, `${sent} bytes were sent`);
});

Deno.test("HTTP question: nobody listens", async () => {
  await assert.rejects(
    httpGet(question(freePort())),
    (error) => error instanceof HttpError && /refused/.test(error.message),
  );
});

Deno.test("HTTP question: the other side closes before it answers, or resets", async () => {
  await using peer = new Peer((connection) => Promise.resolve(connection.close()));
  await assert.rejects(httpGet(question(peer.port)), HttpError);
});

Deno.test("HTTP question: silence, and a byte now and then, end at the time limit", async () => {
  await using silent = new Peer(async (connection) => void await readAll(connection));
  await using slow = new Peer(async (connection) => {
    for (;;) {
      await writeAll(connection, encode("H"));
      await sleep(20);
    }
  });
  for (const { port } of [silent, slow]) {
    const begun = performance.now();
    await assert.rejects(httpGet({ ...question(port), timeoutMs: 150 }), (error) => {
      assert(error instanceof HttpTimeoutError);
      assert.match(error.message, /did not answer within 0\.15 s$/);
      return true;
    });
    assert(performance.now() - begun >= 149);
  }
});

Deno.test("HTTP question: given up by the one who asked, before and while it is asked", async () => {
  await using peer = new Peer((connection) => readAll(connection).then(() => {}));
  await assert.rejects(httpGet({ ...question(peer.port), signal: AbortSignal.abort() }), HttpError);
  const giveUp = new AbortController();
  const asking = httpGet({ ...question(peer.port), signal: giveUp.signal });
  setTimeout(() => giveUp.abort(), 30);
  await assert.rejects(asking, (error) => error instanceof HttpError && !(error instanceof HttpTimeoutError));
});
