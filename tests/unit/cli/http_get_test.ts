import assert from "node:assert/strict";
import { httpGet, NotRunningError } from "../../../mod/cli/http_get.ts";

/** Serves on a free port of the loopback interface while `use` runs. */
async function withServer(handler: Deno.ServeHandler, use: (port: number) => Promise<void>): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  try {
    await use(server.addr.port);
  } finally {
    await server.shutdown();
  }
}

Deno.test("status and body are told, whatever the body's size", async () => {
  const long = "x".repeat(300_000);
  await withServer(
    (request) => new URL(request.url).pathname === "/long" ? new Response(long) : new Response("no\n", { status: 503 }),
    async (port) => {
      assert.deepEqual(await httpGet(port, "/readyz"), { status: 503, body: "no\n" });
      assert.deepEqual(await httpGet(port, "/long"), { status: 200, body: long });
    },
  );
});

Deno.test("nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  await assert.rejects(httpGet(port, "/"), (error) => {
    assert(error instanceof NotRunningError);
    assert.match(error.message, /^nothing listens on http:\/\/127\.0\.0\.1:\d+: pgw is not running/);
    return true;
  });
});

Deno.test("what answers is not HTTP", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const answering = listener.accept().then(async (connection) => {
    await connection.read(new Uint8Array(1024));
    await connection.write(new TextEncoder().encode("220 mail.example ESMTP\r\n"));
    connection.close();
  });
  await assert.rejects(httpGet(port, "/"), /gave no answer that is HTTP/);
  await answering;
  listener.close();
});
