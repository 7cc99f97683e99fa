import assert from "node:assert/strict";
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { SocketError } from "../../mod/linux/socket_error.ts";
import { UdpSocket } from "../../mod/linux/udp_socket.ts";
import { cable, ip, kernelTest, podNetwork, sh } from "./namespace.ts";

const loopback = parseIpv4("127.0.0.1");
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (text: string) => new TextEncoder().encode(text);

kernelTest("a datagram there and one back", async () => {
  using server = UdpSocket.open({ address: loopback, port: 5000 });
  using client = UdpSocket.open();
  const asked = server.receive();
  client.send(bytes("question"), { address: loopback, port: 5000 });
  const question = await asked;
  assert.deepEqual(question, { bytes: bytes("question"), address: loopback, port: client.port });
  server.send(bytes("answer"), question);
  assert.equal(text((await client.receive())!.bytes), "answer");
});

kernelTest("an empty datagram is one, and one too long is cut", async () => {
  using server = UdpSocket.open({ address: loopback, port: 5000, maxSize: 4 });
  using client = UdpSocket.open();
  client.send(bytes(""), { address: loopback, port: 5000 });
  client.send(bytes("123456"), { address: loopback, port: 5000 });
  assert.equal((await server.receive())!.bytes.length, 0);
  assert.equal(text((await server.receive())!.bytes), "1234");
});

kernelTest("what comes back by ICMP is told, as often as it comes, and the socket receives on", async () => {
  using server = UdpSocket.open({ address: loopback, port: 5000 });
  using client = UdpSocket.open({ errors: true });
  for (let round = 0; round < 3; round++) {
    const pending = client.receive();
    client.send(bytes("x"), { address: loopback, port: 5009 });
    await assert.rejects(pending, (error) => error instanceof SocketError && error.code === "ECONNREFUSED");
  }
  server.send(bytes("y"), { address: loopback, port: client.port });
  assert.equal(text((await client.receive())!.bytes), "y");
});

kernelTest("what has arrived can be had at once, also while it is waited for", async () => {
  using server = UdpSocket.open({ address: loopback, port: 5000 });
  using client = UdpSocket.open();
  assert.equal(server.receiveNow(), undefined);
  const pending = server.receive();
  client.send(bytes("1"), { address: loopback, port: 5000 });
  assert.equal(text(server.receiveNow()!.bytes), "1");
  assert.equal(server.receiveNow(), undefined);
  client.send(bytes("2"), { address: loopback, port: 5000 });
  assert.equal(text((await pending)!.bytes), "2");
});

kernelTest("close ends a pending receive, and the next has nothing either", async () => {
  const socket = UdpSocket.open({ port: 5000 });
  const pending = socket.receive();
  socket.close();
  assert.equal(await pending, undefined);
  assert.equal(await socket.receive(), undefined);
  socket.close();
  UdpSocket.open({ port: 5000 }).close();
});

kernelTest("one of two waiting sockets is closed, the other still receives", async () => {
  const gone = UdpSocket.open({ port: 5000 });
  using stays = UdpSocket.open({ port: 5001 });
  using client = UdpSocket.open();
  const [none, some] = [gone.receive(), stays.receive()];
  gone.close();
  assert.equal(await none, undefined);
  client.send(bytes("x"), { address: loopback, port: 5001 });
  assert.equal(text((await some)!.bytes), "x");
});

kernelTest("a batch: 40 requests in three receives, each answered in place", async () => {
  using server = UdpSocket.open({ address: loopback, port: 5000, batch: 16 });
  using client = UdpSocket.open({ batch: 64 });
  for (let i = 0; i < 40; i++) client.send(bytes(`request ${i}`), { address: loopback, port: 5000 });
  const sizes: number[] = [];
  const answered = Promise.withResolvers<void>();
  server.serve((batch) => {
    for (let i = 0; i < batch.count; i++) {
      assert.equal(batch.address(i), loopback);
      assert.equal(batch.port(i), client.port);
      assert.match(text(batch.bytes(i)), /^request \d+$/);
      batch.buffer(i).set(bytes("REPLY"));
      batch.reply(i, batch.bytes(i).length - 2);
    }
    assert.equal(server.sendBatch(), batch.count);
    sizes.push(batch.count);
    if (sizes.length === 3) answered.resolve();
  });
  await answered.promise;
  assert.deepEqual(sizes, [16, 16, 8]);
  const replies = await new Promise<string[]>((resolve) =>
    client.serve((batch) => resolve(Array.from({ length: batch.count }, (_, index) => text(batch.bytes(index)))))
  );
  assert.equal(replies.length, 40);
  assert.equal(replies[0], "REPLYst");
  assert.equal(replies[39], "REPLYst ");
});

kernelTest("what is served is left alone until what came before is done", async () => {
  using server = UdpSocket.open({ address: loopback, port: 5000, batch: 16 });
  using client = UdpSocket.open();
  const told: string[] = [];
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const arrived = Promise.withResolvers<void>();
  server.serve((batch) => {
    told.push(text(batch.bytes(0)));
    arrived.resolve();
    if (told.length === 2) second.resolve();
    return told.length === 1 ? first.promise : undefined;
  });
  client.send(bytes("1"), { address: loopback, port: 5000 });
  await arrived.promise;
  client.send(bytes("2"), { address: loopback, port: 5000 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(told, ["1"]);
  first.resolve();
  await second.promise;
  assert.deepEqual(told, ["1", "2"]);
});

kernelTest("a socket that is closed by what it serves tells nothing more", async () => {
  const server = UdpSocket.open({ address: loopback, port: 5000 });
  using other = UdpSocket.open({ address: loopback, port: 5001 });
  using client = UdpSocket.open();
  let told = 0;
  for (let i = 0; i < 3; i++) client.send(bytes("x"), { address: loopback, port: 5000 });
  await new Promise<void>((resolve) =>
    server.serve(() => {
      told++;
      server.close();
      resolve();
    })
  );
  const pending = other.receive();
  client.send(bytes("y"), { address: loopback, port: 5001 });
  assert.equal(text((await pending)!.bytes), "y");
  assert.equal(told, 1);
});

kernelTest("a socket that is served without a pause lets timers and what was put off have their turn", async () => {
  using busy = UdpSocket.open({ address: loopback, port: 5000 });
  let [rounds, timers, putOff] = [0, 0, 0];
  const timer = setInterval(() => timers++, 1);
  const done = Promise.withResolvers<void>();
  busy.serve(() => {
    queueMicrotask(() => putOff++);
    if (++rounds < 100_000 && timers < 3) busy.send(bytes("again"), { address: loopback, port: 5000 });
    else done.resolve();
  });
  busy.send(bytes("again"), { address: loopback, port: 5000 });
  await done.promise;
  clearInterval(timer);
  assert.ok(timers >= 3, `${timers} in ${rounds} rounds`);
  assert.ok(putOff > rounds / 32, `${putOff} in ${rounds} rounds`);
});

kernelTest("a socket that is never idle lets others have their turn", async () => {
  using busy = UdpSocket.open({ address: loopback, port: 5000 });
  let others = 0;
  const timer = setInterval(() => others++, 1);
  busy.send(bytes("again"), { address: loopback, port: 5000 });
  for (let i = 0; i < 100_000 && others === 0; i++) {
    await busy.receive();
    busy.send(bytes("again"), { address: loopback, port: 5000 });
  }
  clearInterval(timer);
  assert.ok(others > 0);
});

kernelTest("bound to a device it broadcasts, from 0.0.0.0 where no device has an address", async () => {
  await cable("left", "right");
  using client = UdpSocket.open({ device: "left", port: 68, broadcast: true });
  using server = UdpSocket.open({ device: "right", port: 67 });
  client.send(bytes("DISCOVER"), { address: 0xffffffff, port: 67 });
  const discover = await server.receive();
  assert.deepEqual([discover?.address, discover?.port], [0, 68]);
});

kernelTest("a mark is seen by the firewall, and what that refuses is told", async () => {
  await sh("iptables -A OUTPUT -p udp --dport 5000 -m mark ! --mark 0x3150 -j REJECT");
  using server = UdpSocket.open({ address: loopback, port: 5000 });
  using marked = UdpSocket.open({ mark: 0x3150 });
  using plain = UdpSocket.open();
  marked.send(bytes("marked"), { address: loopback, port: 5000 });
  assert.equal(text((await server.receive())!.bytes), "marked");
  assert.throws(
    () => plain.send(bytes("plain"), { address: loopback, port: 5000 }),
    (error) => error instanceof SocketError && error.code === "EPERM",
  );
});

kernelTest("errors have the kernel's names", async () => {
  await podNetwork();
  using _holder = UdpSocket.open({ port: 5000 });
  const code = (expected: string) => (error: unknown) => error instanceof SocketError && error.code === expected;
  assert.throws(() => UdpSocket.open({ port: 5000 }), code("EADDRINUSE"));
  assert.throws(() => UdpSocket.open({ address: parseIpv4("203.0.113.1") }), code("EADDRNOTAVAIL"));
  assert.throws(() => UdpSocket.open({ device: "nowhere" }), code("ENODEV"));
  await ip("route delete default");
  using socket = UdpSocket.open();
  assert.throws(() => socket.send(bytes("x"), { address: parseIpv4("203.0.113.1"), port: 9 }), code("ENETUNREACH"));
});

kernelTest("1000 sockets opened, waited for and closed leave no descriptor behind", async () => {
  const descriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;
  const once = async () => {
    const socket = UdpSocket.open();
    const pending = socket.receive();
    socket.close();
    await pending;
  };
  await once();
  const before = descriptors();
  for (let i = 0; i < 1000; i++) await once();
  assert.equal(descriptors(), before);
});
