import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { decode, type DecodedPacket, encode, type Packet } from "dns-packet";
import { parsePrefix, type Prefix4 } from "../../../mod/addr/prefix.ts";
import { listenSingleDatagrams } from "../../../mod/runtime/dns_listeners.ts";
import { openUpstreamSockets } from "../../../mod/runtime/dns_upstream_sockets.ts";
import { readFrames, writeFrame } from "../../../mod/runtime/dns_frames.ts";
// The C library is opened here, not in the first test.
import "../../../mod/linux/question_sockets.ts";
import { type DnsServer, type DnsServerOptions, startDnsServer } from "../../../mod/runtime/dns_server.ts";
import { a, respond, StubUpstream } from "./stub_upstream.ts";

const loopback = parsePrefix("127.0.0.0/8") as Prefix4;
/** Nothing else of these tests is there, so that a port that is free for UDP is free for TCP. */
const ownAddress = "127.0.0.53";

async function serving(options: Partial<DnsServerOptions>, body: (server: DnsServer) => Promise<void>): Promise<void> {
  const server = await startDnsServer({
    listen: { address: ownAddress, port: 0 },
    allow: loopback,
    clusterZones: ["cluster.local"],
    clusterServers: [],
    outsideServers: [],
    cacheBytes: 1 << 20,
    ...options,
  });
  try {
    await body(server);
  } finally {
    await server.close();
  }
}

function query(name: string, id = 7): Uint8Array<ArrayBuffer> {
  const question: Packet = { type: "query", id, flags: 0x0100, questions: [{ type: "A", name, class: "IN" }] };
  return new Uint8Array(encode(question));
}

type Answered = DecodedPacket & { rcode?: string };

/** Asks by UDP. Undefined when no answer comes within `patienceMs`. */
async function ask(server: { readonly port: number }, name: string, patienceMs = 5000) {
  const socket = createSocket("udp4");
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const answer = once(socket, "message").then(([bytes]) => decode(bytes as Buffer) as Answered);
    socket.send(query(name), server.port, ownAddress);
    return await Promise.race([
      answer,
      new Promise<undefined>((resolve) => timer = setTimeout(() => resolve(undefined), patienceMs)),
    ]);
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

function addresses(message: DecodedPacket | undefined): unknown[] {
  return message?.answers?.map((answer) => "data" in answer ? answer.data : undefined) ?? [];
}

Deno.test("a name by UDP, from an upstream and then from the cache", async () => {
  await using upstream = await StubUpstream.open("127.0.0.1");
  await serving({ outsideServers: [upstream.text] }, async (server) => {
    assert.deepEqual(addresses(await ask(server, "www.example.com")), ["203.0.113.7"]);
    assert.deepEqual(addresses(await ask(server, "www.example.com")), ["203.0.113.7"]);
    assert.deepEqual(upstream.names, ["www.example.com"]);
  });
});

Deno.test("an upstream by IPv6", async () => {
  await using upstream = await StubUpstream.open("::1");
  await serving({ outsideServers: [upstream.text] }, async (server) => {
    assert.deepEqual(addresses(await ask(server, "www.example.com")), ["203.0.113.7"]);
  });
});

Deno.test("each question leaves from a port of its own that is not the last one's neighbour", async () => {
  await using upstream = await StubUpstream.open("127.0.0.1");
  await serving({ outsideServers: [upstream.text] }, async (server) => {
    for (let index = 0; index < 40; index++) await ask(server, `n${index}.example.com`);
    assert.ok(new Set(upstream.sources).size >= 38, `${new Set(upstream.sources).size} ports of 40`);
    const steps = upstream.sources.slice(1).map((port, index) => Math.abs(port - upstream.sources[index]!));
    assert.ok(steps.filter((step) => step < 16).length < 5, `steps between ports: ${steps.join(" ")}`);
  });
});

Deno.test("TCP: pipelined queries on one connection, and truncated answers fetched over one connection", async () => {
  await using upstream = await StubUpstream.open("127.0.0.1");
  upstream.truncatesDatagrams = true;
  await serving({ outsideServers: [upstream.text] }, async (server) => {
    const connection = await Deno.connect({ hostname: ownAddress, port: server.port });
    const ids = new Set<number | undefined>();
    const reading = readFrames(connection, (frame) => {
      ids.add(decode(Buffer.from(frame)).id);
      if (ids.size === 20) connection.close();
      return undefined;
    });
    for (let id = 0; id < 20; id++) await writeFrame(connection, query(`n${id}.example.com`, id));
    await reading;
    assert.equal(ids.size, 20);
    assert.equal(upstream.connections, 1);
  });
});

Deno.test("an answer of nearly 64 KiB by TCP, and TC by UDP", async () => {
  await using upstream = await StubUpstream.open("127.0.0.1");
  upstream.truncatesDatagrams = true;
  upstream.answers = (name) =>
    Array.from({ length: 220 }, (_, index) => ({ type: "TXT", name, ttl: 60, data: `${index}`.padEnd(250, "x") }));
  await serving({ outsideServers: [upstream.text] }, async (server) => {
    const short = await ask(server, "big.example.com");
    assert.deepEqual([short?.flag_tc, short?.answers?.length], [true, 0]);
    const connection = await Deno.connect({ hostname: ownAddress, port: server.port });
    let answers = 0;
    const reading = readFrames(connection, (frame) => {
      assert.ok(frame.length > 60_000);
      answers = decode(Buffer.from(frame)).answers?.length ?? 0;
      connection.close();
      return undefined;
    });
    await writeFrame(connection, query("big.example.com"));
    await reading;
    assert.equal(answers, 220);
  });
});

Deno.test("DNS over TLS: with the certificate of the name that is set, and not without", async () => {
  const pem = (file: string) => Deno.readTextFileSync(new URL(`../../golden/dns_tls/${file}`, import.meta.url));
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: pem("server.pem"), key: pem("server.key") });
  const serve = async () => {
    for await (const connection of listener) {
      readFrames(connection, (query) => writeFrame(connection, respond(query, (name) => [a(name, "203.0.113.9")])))
        .finally(() => connection.close());
    }
  };
  const isServing = serve();
  const { port } = listener.addr;
  const resolve = async (name: string, caCerts: string[]) => {
    const sockets = await openUpstreamSockets(caCerts);
    let message: Answered | undefined;
    await serving({ sockets, outsideServers: [`tls://127.0.0.1:${port}#${name}`] }, async (server) => {
      message = await ask(server, "www.example.com");
    });
    return addresses(message);
  };
  assert.deepEqual(await resolve("dns.example.com", [pem("ca.pem")]), ["203.0.113.9"]);
  assert.deepEqual(await resolve("other.example.com", [pem("ca.pem")]), []);
  assert.deepEqual(await resolve("dns.example.com", []), []);
  listener.close();
  await isServing;
});

Deno.test("a server that closes an idle connection is asked on a new one", async () => {
  await using upstream = await StubUpstream.open("127.0.0.1");
  upstream.truncatesDatagrams = true;
  upstream.closesAfterAnswer = true;
  await serving({ outsideServers: [upstream.text] }, async (server) => {
    for (let index = 0; index < 5; index++) {
      assert.deepEqual(addresses(await ask(server, `n${index}.example.com`)), ["203.0.113.7"]);
    }
    assert.equal(upstream.connections, 5);
  });
});

Deno.test("a connection that has gone silent is left for a new one", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.TcpConn[] = [];
  const serve = async () => {
    for await (const connection of listener) {
      const isFirst = connections.push(connection) === 1;
      readFrames(
        connection,
        (query) => isFirst ? undefined : writeFrame(connection, respond(query, (name) => [a(name, "203.0.113.7")])),
      );
    }
  };
  const serving = serve();
  const sockets = await openUpstreamSockets();
  const server = { transport: "udp", address: "127.0.0.1", port: listener.addr.port } as const;
  const ask = (id: number, received: () => void) =>
    sockets.ask(server, "tcp", query("www.example.com", id), { received, failed: () => {} });
  const silent = () => assert.fail("an answer on the silent connection");
  ask(1, silent);
  ask(2, silent);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await new Promise<void>((resolve) => ask(3, resolve));
  assert.equal(connections.length, 2);
  await sockets.close();
  for (const connection of connections) connection.close();
  listener.close();
  await serving;
});

Deno.test("what comes from another address or port is not heard", async () => {
  await using upstream = await StubUpstream.open("127.0.0.1");
  const forger = createSocket("udp4");
  forger.bind({ address: "127.0.0.2", port: upstream.port });
  await once(forger, "listening");
  const otherPort = createSocket("udp4");
  const forge = (query: Uint8Array) => respond(query, (name) => [a(name, "203.0.113.66")]);
  upstream.before = (query, from) => {
    forger.send(forge(query), from.port, from.address);
    otherPort.send(forge(query), from.port, from.address);
  };
  upstream.delayMs = 50;
  await serving({ outsideServers: [upstream.text] }, async (server) => {
    assert.deepEqual(addresses(await ask(server, "www.example.com")), ["203.0.113.7"]);
    // The same from the right place is believed: it was well made.
    upstream.before = (query, from) => upstream.socket.send(forge(query), from.port, from.address);
    assert.deepEqual(addresses(await ask(server, "other.example.com")), ["203.0.113.66"]);
    await new Promise((resolve) => setTimeout(resolve, 100));
  });
  forger.close();
  otherPort.close();
});

Deno.test("how a question is answered", async () => {
  await using upstream = await StubUpstream.open("127.0.0.1");
  await serving({ outsideServers: [upstream.text] }, async (server) => {
    const { message, tookMs, ...asked } = await server.query(query("www.example.com", 9));
    assert.deepEqual(asked, { route: "outside", servers: [upstream.text], cache: "absent", ttl: 0, by: upstream.text });
    assert.ok(tookMs > 0);
    assert.deepEqual([decode(Buffer.from(message)).id, addresses(decode(Buffer.from(message)))], [9, ["203.0.113.7"]]);
    const { cache, ttl, by } = await server.query(query("WWW.example.com"));
    assert.deepEqual([cache, by], ["fresh", undefined]);
    assert.ok(ttl > 50 && ttl <= 60);
    const unknown = await server.query(query("web.cluster.local"));
    assert.deepEqual([unknown.route, unknown.by], ["cluster", undefined]);
    assert.throws(() => server.query(new Uint8Array(5)), /not a DNS question/);
  });
});

Deno.test("datagrams through the runtime's own socket, where there is no C library", async () => {
  const calls: string[] = [];
  const listener = await listenSingleDatagrams({ address: ownAddress, port: 0 }, loopback, {
    answer(query, length, _isStream, out) {
      calls.push("answer");
      const response = respond(query.slice(0, length), (name) => [a(name, "203.0.113.5")]);
      if (calls.length > 2) return -1;
      out.set(response);
      return response.length;
    },
    askUpstream(query, _isStream, peer) {
      const response = new Uint8Array(respond(query, (name) => [a(name, "203.0.113.6")]));
      peer.reply(response, response.length);
    },
    flush: () => calls.push("flush"),
  });
  assert.deepEqual(addresses(await ask(listener, "www.example.com")), ["203.0.113.5"]);
  assert.deepEqual(addresses(await ask(listener, "later.example.com")), ["203.0.113.6"]);
  assert.deepEqual(calls, ["answer", "flush", "answer", "flush"]);
  await listener.close();
});

Deno.test("nobody listens there: SERVFAIL at once, not after a timeout", async () => {
  const closed = await StubUpstream.open("127.0.0.1");
  await closed[Symbol.asyncDispose]();
  await serving({ outsideServers: [closed.text] }, async (server) => {
    assert.equal((await ask(server, "www.example.com"))?.rcode, "SERVFAIL");
    const [upstream] = server.stats().upstreams;
    assert.deepEqual([upstream?.asked, upstream?.failed], [1, 1], "it was not asked again and again");
    assert.equal(server.ready(), false);
  });
});

Deno.test("other upstreams at run time", async () => {
  await using before = await StubUpstream.open("127.0.0.1");
  await using after = await StubUpstream.open("127.0.0.1");
  after.answers = (name) => [a(name, "203.0.113.8")];
  await serving({ outsideServers: [before.text] }, async (server) => {
    assert.deepEqual(addresses(await ask(server, "www.example.com")), ["203.0.113.7"]);
    server.setUpstreams([after.text]);
    assert.deepEqual(addresses(await ask(server, "www.example.com")), ["203.0.113.8"]);
  });
});

Deno.test("who is not allowed gets nothing, by UDP and by TCP", async () => {
  await using upstream = await StubUpstream.open("127.0.0.1");
  await serving({ outsideServers: [upstream.text], allow: parsePrefix("127.9.0.0/16") as Prefix4 }, async (server) => {
    assert.equal(await ask(server, "www.example.com", 200), undefined);
    const connection = await Deno.connect({ hostname: ownAddress, port: server.port });
    await readFrames(connection, () => assert.fail("an answer"));
    connection.close();
    assert.deepEqual(upstream.names, []);
  });
});

Deno.test("10^4 names while upstreams change: none at the wrong side", async () => {
  await using cluster = await StubUpstream.open("127.0.0.1");
  await using one = await StubUpstream.open("127.0.0.1");
  await using two = await StubUpstream.open("127.0.0.1");
  await serving({ clusterServers: [cluster.text], outsideServers: [one.text] }, async (server) => {
    const socket = createSocket("udp4");
    socket.connect(server.port, ownAddress);
    await once(socket, "connect");
    let answers = 0;
    socket.on("message", () => answers++);
    const changes = [[two.text], [], [one.text, two.text], [one.text]];
    for (let index = 0; index < 10_000; index++) {
      const kind = index % 3;
      const zone = ["example.com", "svc.cluster.local", "example.com.default.svc.Cluster.Local"][kind]!;
      socket.send(query(`n${index}.${zone}`, index));
      if (index % 500 === 0) server.setUpstreams(changes[(index / 500) % changes.length]!);
      if (index % 50 === 0) {
        one.isSilent = index % 2000 > 1500;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket.close();
    assert.ok(answers > 1000, `${answers} answers`);
    assert.ok(cluster.names.length > 1000 && one.names.length > 100 && two.names.length > 100);
    assert.deepEqual(cluster.names.filter((name) => !name.endsWith(".cluster.local")), []);
    assert.deepEqual([...one.names, ...two.names].filter((name) => !name.endsWith(".example.com")), []);
  });
});
