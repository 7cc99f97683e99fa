/**
 * A web server that tells the source address it saw, and a UDP echo server (RFC 862) beside it.
 *
 * `web_main.ts PORT ADDRESS...`: `GET /` answers the source address, `GET /bytes/N` N bytes, `PUT` the number of bytes it got.
 */
const [port, ...addresses] = Deno.args;
const echoPort = 7;
const chunk = new Uint8Array(64 * 1024).fill(46);

for (const hostname of addresses) {
  Deno.serve({ hostname, port: Number(port), onListen: () => {} }, async (request, { remoteAddr }) => {
    const size = /^\/bytes\/(\d+)$/.exec(new URL(request.url).pathname)?.[1];
    if (request.method === "PUT") return new Response(`${await sizeOf(request.body)}\n`);
    if (size !== undefined) return new Response(bytes(Number(size)), { headers: { "content-length": size } });
    return new Response(`${remoteAddr.hostname}\n`);
  });
  echo(Deno.listenDatagram({ hostname, port: echoPort, transport: "udp" }));
}
console.log("ready");

async function echo(socket: Deno.DatagramConn): Promise<void> {
  for await (const [datagram, peer] of socket) {
    await socket.send(datagram, peer).catch(() => {}); // the peer is gone
  }
}

async function sizeOf(body: ReadableStream<Uint8Array> | null): Promise<number> {
  let size = 0;
  for await (const part of body ?? []) size += part.length;
  return size;
}

function bytes(size: number): ReadableStream<Uint8Array> {
  let left = size;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close();
      const part = chunk.subarray(0, Math.min(left, chunk.length));
      left -= part.length;
      controller.enqueue(part);
    },
  });
}
