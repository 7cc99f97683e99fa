/** A UDP echo server that puts the source address it saw before what it sends back. `echo_main.ts ADDRESS PORT` */
const [hostname = "", port] = Deno.args;
const socket = Deno.listenDatagram({ hostname, port: Number(port), transport: "udp" });
console.log("ready");

for await (const [datagram, peer] of socket) {
  const source = new TextEncoder().encode(`${(peer as Deno.NetAddr).hostname} `);
  const answer = new Uint8Array(source.length + datagram.length);
  answer.set(source);
  answer.set(datagram, source.length);
  await socket.send(answer, peer).catch(() => {}); // the peer is gone
}
