/** The forwarder and its servers: what they are asked, what counts as an answer, and what becomes of those that fail. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { decode, type RecordType } from "dns-packet";
import { a, data, Dialogue, extendedError, optRecord, responseTo } from "./dialogue.ts";

Deno.test("what an upstream is asked: a spelling and an id of its own, EDNS 1232, no options, DO and CD kept", () => {
  const dns = new Dialogue();
  dns.ask("a-longer-name.example.com", { edns: { udpSize: 4096, dnssecOk: true }, checkingDisabled: true });
  const asked = decode(Buffer.from(dns.attempts[0]!.message));
  assert.notEqual(asked.questions?.[0]?.name, "a-longer-name.example.com");
  assert.equal(asked.questions?.[0]?.name.toLowerCase(), "a-longer-name.example.com");
  assert.notEqual(asked.id, 100);
  assert.equal(asked.flag_rd, true);
  assert.equal(asked.flag_cd, true);
  const opt = asked.additionals?.[0];
  assert.ok(opt?.type === "OPT");
  assert.deepEqual([opt.udpPayloadSize, opt.flag_do, opt.options], [1232, true, []]);
});

Deno.test("a response with another id, question or spelling is not an answer", () => {
  const dns = new Dialogue();
  dns.ask("www.example.com");
  const attempt = dns.attempts[0]!;
  const good = responseTo(attempt, { answers: [a("www.example.com", "203.0.113.66")] });
  const changed = (at: number, mask: number) => good.map((octet, index) => index === at ? octet ^ mask : octet);
  const typeAt = 12 + "www.example.com".length + 2;
  for (
    const forged of [changed(0, 1), changed(1, 1), changed(typeAt + 1, 1), changed(typeAt + 3, 2), changed(2, 0x80)]
  ) {
    dns.upstreamSends(forged);
  }
  dns.upstreamSends(good.slice(0, 12));
  dns.upstreamSends(good.slice(0, 3));
  assert.deepEqual(dns.replies, []);
  assert.equal(dns.forwarder.stats().mismatchedResponses, 7);
  // Another spelling alone: asked again by TCP, where nobody else can answer.
  dns.upstreamSends(changed(13, 0x20));
  assert.deepEqual(dns.sent, ["203.0.113.1 udp", "203.0.113.1 tcp"]);
  dns.upstreamAnswers({ answers: [a("www.example.com", "203.0.113.80")] });
  assert.deepEqual(data(dns.reply()), ["203.0.113.80"]);
});

Deno.test("somebody who guesses ids has eight tries, then the question goes by TCP", () => {
  const dns = new Dialogue();
  dns.ask("www.example.com");
  const attempt = dns.attempts[0]!;
  const good = responseTo(attempt, { answers: [a("www.example.com", "203.0.113.66")] });
  for (let guess = 1; guess <= 8; guess++) {
    assert.equal(dns.sent.length, 1);
    dns.upstreamSends(good.map((octet, index) => index === 1 ? octet ^ guess : octet), attempt);
  }
  assert.deepEqual(dns.sent, ["203.0.113.1 udp", "203.0.113.1 tcp"]);
  dns.upstreamSends(good, attempt);
  assert.deepEqual(dns.replies, []);
  dns.upstreamAnswers({ answers: [a("www.example.com", "203.0.113.80")] });
  assert.deepEqual(data(dns.reply()), ["203.0.113.80"]);
});

Deno.test("a truncated answer is fetched by TCP, and truncated again for a client that cannot take it", () => {
  const dns = new Dialogue();
  dns.ask("big.example.com", { edns: {} });
  dns.ask("big.example.com", { edns: {}, stream: true }, "by TCP");
  dns.upstreamAnswers({ flags: 0x0200 });
  assert.deepEqual(dns.sent, ["203.0.113.1 udp", "203.0.113.1 tcp"]);
  const answers = Array.from({ length: 200 }, (_, index) => a("big.example.com", `203.0.113.${index}`));
  dns.upstreamAnswers({ answers, additionals: [optRecord()] });
  const [byUdp, byTcp] = dns.replies.map(({ message }) => message);
  assert.deepEqual([byUdp?.flag_tc, byUdp?.answers?.length, byUdp?.additionals?.length], [true, 0, 1]);
  assert.deepEqual([byTcp?.flag_tc, byTcp?.answers?.length, byTcp?.additionals?.length], [false, 200, 1]);
  assert.equal(dns.ask("big.example.com", { edns: {} })?.flag_tc, true);
});

Deno.test("the next server is asked beside a silent one, and a late answer still counts", () => {
  const dns = new Dialogue();
  dns.ask("example.com");
  dns.wait(399);
  assert.deepEqual(dns.sent, ["203.0.113.1 udp"]);
  dns.wait(1);
  assert.deepEqual(dns.sent, ["203.0.113.1 udp", "203.0.113.2 udp"]);
  dns.upstreamAnswers({ answers: [a("example.com", "203.0.113.80")] }, dns.attempts[0]!);
  assert.deepEqual(data(dns.reply()), ["203.0.113.80"]);
  assert.deepEqual(dns.attempts, []);
});

Deno.test("the fastest server is asked, and the other one again from time to time", () => {
  const dns = new Dialogue();
  for (let index = 0; index < 400; index++) {
    dns.ask(`n${index}.example.com`);
    dns.wait(dns.attempts[0]!.upstream.name === "203.0.113.1" ? 80 : 20);
    dns.upstreamAnswers({ rcode: 3 });
  }
  const [, first, second] = dns.forwarder.stats().upstreams;
  assert.ok(second!.asked > 350, `the faster one was asked ${second!.asked} times`);
  assert.ok(first!.asked >= 3, `the slower one was asked ${first!.asked} times`);
});

Deno.test("silence: SERVFAIL with an extended error, then at once, and a probe finds the server again", () => {
  const dns = new Dialogue({ outsideServers: ["203.0.113.1"] });
  dns.ask("one.example.com", { edns: {} });
  dns.wait(5000);
  const reply = dns.reply();
  assert.equal(reply.rcode, "SERVFAIL");
  assert.equal(extendedError(reply), 22);
  assert.equal(dns.forwarder.isReady, false);
  // The first question after a while is also the probe, the next is answered at once.
  dns.ask("two.example.com");
  dns.ask("three.example.com", { edns: {} });
  assert.equal(extendedError(dns.reply()), 22);
  dns.upstreamAnswers({ rcode: 3 });
  assert.equal(dns.reply().rcode, "NXDOMAIN");
  assert.equal(dns.forwarder.isReady, true);
});

Deno.test("names whose own servers are silent do not make the upstream a dead one", () => {
  const dns = new Dialogue({ outsideServers: ["203.0.113.1"] });
  const isEasy = ({ message }: typeof dns.attempts[number]) => message[12] === 0;
  for (let index = 0; index < 40; index++) {
    dns.ask(`n${index}.silent.example.com`);
    for (let step = 0; step < 5; step++) {
      dns.wait(100);
      for (const easy of dns.attempts.filter(isEasy)) dns.upstreamAnswers({}, easy);
    }
    assert.equal(dns.forwarder.isReady, true, `after ${index / 2} s`);
  }
  dns.replies.length = 0;
  dns.ask("www.example.com");
  dns.upstreamAnswers({ answers: [a("www.example.com", "203.0.113.80")] }, dns.attempts.at(-1)!);
  assert.deepEqual(data(dns.reply()), ["203.0.113.80"]);
});

Deno.test("nothing can be sent: SERVFAIL at once with an extended error", () => {
  const dns = new Dialogue();
  dns.ask("example.com", { edns: {} });
  dns.upstreamFails();
  dns.upstreamFails();
  assert.equal(extendedError(dns.reply()), 23);
  assert.deepEqual(dns.attempts, []);
});

Deno.test("no server is set: SERVFAIL at once with an extended error", () => {
  const dns = new Dialogue({ outsideServers: [] });
  dns.ask("example.com", { edns: {} });
  assert.equal(extendedError(dns.reply()), 14);
  dns.forwarder.setOutsideServers([], dns.now, "the VPN interface 'tun0' is down");
  dns.ask("example.com", { edns: {} });
  assert.ok(Buffer.from(dns.replies[0]!.bytes).includes("the VPN interface 'tun0' is down"));
});

Deno.test("a server that fails is not the last word while there is another", () => {
  const dns = new Dialogue();
  dns.ask("example.com");
  dns.upstreamAnswers({ rcode: 2 });
  assert.deepEqual(dns.sent, ["203.0.113.1 udp", "203.0.113.2 udp"]);
  dns.upstreamAnswers({ rcode: 5 });
  assert.equal(dns.reply().rcode, "SERVFAIL");
  assert.equal(dns.ask("example.com")?.rcode, "SERVFAIL");
  dns.wait(5000);
  assert.equal(dns.ask("example.com"), undefined);
});

const hasEdns = (dns: Dialogue) =>
  decode(Buffer.from(dns.attempts[0]!.message)).additionals?.some(({ type }) => type === "OPT") ?? false;

Deno.test("a server without EDNS is asked without it, and after 5 minutes with it again, however busy it is", () => {
  const dns = new Dialogue({ outsideServers: ["203.0.113.1"] });
  const asks: boolean[] = [];
  for (let second = 0; second < 302; second++) {
    dns.ask(`n${second}.example.com`);
    asks.push(hasEdns(dns));
    if (hasEdns(dns)) dns.upstreamAnswers({ rcode: 1 });
    assert.equal(hasEdns(dns), false);
    dns.wait(50);
    dns.upstreamAnswers({ answers: [a("example.com", "203.0.113.80")] });
    assert.equal(dns.reply().rcode, "NOERROR");
    dns.wait(950);
  }
  assert.deepEqual(asks.flatMap((asked, second) => asked ? [second] : []), [0, 301]);
});

Deno.test("an error that the same question gets without EDNS too says nothing about EDNS", () => {
  const dns = new Dialogue({ outsideServers: ["203.0.113.1"] });
  for (const rcode of [1, 4]) {
    dns.ask("example.com", { type: "TYPE65400" as RecordType });
    dns.upstreamAnswers({ rcode });
    assert.equal(hasEdns(dns), false);
    dns.upstreamAnswers({ rcode });
    assert.equal(dns.reply().rcode, rcode === 1 ? "FORMERR" : "NOTIMP");
    dns.ask("www.example.com", { edns: { dnssecOk: true } });
    assert.equal(hasEdns(dns), true);
    dns.upstreamAnswers({});
    dns.reply();
  }
});
