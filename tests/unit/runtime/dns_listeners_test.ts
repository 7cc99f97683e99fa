import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { parsePrefix, type Prefix4 } from "../../../mod/addr/prefix.ts";
import { listenStreams, type Peer, type QueryHandler } from "../../../mod/runtime/dns_listeners.ts";
import { readFrames, writeFrame } from "../../../mod/runtime/dns_frames.ts";
import { closeQuietly, loopback, readAll, sleep, writeAll } from "./loopback.ts";

const allow = parsePrefix("127.0.0.0/8") as Prefix4;
const large = 60_000;
const pipelined = 64;

/** A client that asks `pipelined` questions at once and reads nothing; `use` runs while it is connected. */
async function askingMuch(handler: QueryHandler, use: (client: Deno.TcpConn) => Promise<void>): Promise<void> {
  const listener = listenStreams({ address: loopback, port: 0 }, allow, handler);
  const client = await Deno.connect({ hostname: loopback, port: listener.port });
  try {
    await writeAll(client, Uint8Array.from({ length: 3 * pipelined }, (_, index) => index % 3 === 1 ? 1 : 0));
    await use(client);
  } finally {
    closeQuietly(client);
    await listener.close();
    await sleep(10);
  }
}

Deno.test("DNS by TCP: who takes large answers gets all of them, however many are asked for at once", async () => {
  await askingMuch({ answer: () => large, askUpstream: () => {}, flush: () => {} }, async (client) => {
    let taken = 0;
    await readFrames(client, ({ length }) => {
      assert.equal(length, large);
      if (++taken === pipelined) client.close();
      return undefined;
    });
    assert.equal(taken, pipelined);
  });
});

Deno.test("DNS by TCP: who has large answers come and does not take them is cut off", async () => {
  const peers: Peer[] = [];
  const handler = { answer: () => -1, askUpstream: (_: Uint8Array, __: boolean, peer: Peer) => void peers.push(peer) };
  await askingMuch({ ...handler, flush: () => {} }, async (client) => {
    while (peers.length < pipelined) await sleep(5);
    for (const peer of peers) peer.reply(new Uint8Array(large), large);
    assert.ok((await readAll(client)).length < pipelined * large);
  });
});

/** What a client hears whose every question is answered `answerMs` later, until the connection ends. */
async function askingSlowly(
  [idleMs, answerMs]: [number, number],
  use: (client: Deno.TcpConn) => Promise<void>,
): Promise<number[]> {
  const listener = listenStreams({ address: loopback, port: 0 }, allow, {
    answer: () => -1,
    askUpstream: (query, _, peer) => void setTimeout(() => peer.reply(Uint8Array.from(query), 1), answerMs),
    flush: () => {},
  }, idleMs);
  const client = await Deno.connect({ hostname: loopback, port: listener.port });
  const heard: number[] = [];
  try {
    const reading = readFrames(client, ([first]) => void heard.push(first!));
    await use(client);
    await reading;
  } finally {
    closeQuietly(client);
    await listener.close();
  }
  return heard;
}

Deno.test("DNS by TCP: a connection is idle for as long as nothing is asked on it, and no longer", async () => {
  const beganAt = performance.now();
  const heard = await askingSlowly([1_000, 600], async (client) => {
    await writeFrame(client, Uint8Array.of(1));
    await sleep(1_100);
    await writeFrame(client, Uint8Array.of(2));
  });
  assert.deepEqual(heard, [1, 2]);
  const tookMs = performance.now() - beganAt;
  assert.ok(tookMs > 2_600 && tookMs < 5_000, `${tookMs} ms`);
});

Deno.test("DNS by TCP: who ends his side after his questions gets the answers, and then the end", async () => {
  const heard = await askingSlowly([10_000, 100], async (client) => {
    for (const question of [1, 2]) await writeFrame(client, Uint8Array.of(question));
    await client.closeWrite();
  });
  assert.deepEqual(heard, [1, 2]);
});

Deno.test("DNS by TCP: eight clients that hold all connections keep a ninth one out of none", async () => {
  const handler = { answer: () => 12, askUpstream: () => {}, flush: () => {} };
  const listener = listenStreams({ address: loopback, port: 0 }, allow, handler);
  const sockets: Socket[] = [];
  const connected = async (localAddress: string) => {
    const socket = connect({ host: loopback, port: listener.port, localAddress });
    sockets.push(socket);
    await once(socket, "connect");
    return socket;
  };
  for (let index = 0; index < 128; index++) await connected(`127.0.0.${10 + index % 8}`);
  const ninth = await connected("127.0.0.9");
  ninth.write(Uint8Array.of(0, 1, 0));
  const [answer] = await Promise.race([once(ninth, "data"), once(ninth, "close")]);
  assert.equal(answer.length, 14);
  for (const socket of sockets) socket.destroy();
  await listener.close();
  await sleep(20);
});
