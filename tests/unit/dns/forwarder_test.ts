import assert from "node:assert/strict";
import type { RecordType } from "dns-packet";
import { a, data, Dialogue, extendedError, soa } from "./dialogue.ts";

Deno.test("a miss goes upstream once, and its answer comes from the cache with the TTL counted down", () => {
  const dns = new Dialogue();
  assert.equal(dns.ask("www.example.com"), undefined);
  assert.deepEqual(dns.sent, ["203.0.113.1 udp"]);
  dns.upstreamAnswers({ answers: [a("www.example.com", "203.0.113.80", 300)] });
  const reply = dns.reply();
  assert.equal(reply.flag_ra, true);
  assert.deepEqual(data(reply), ["203.0.113.80"]);
  dns.wait(10_000);
  const cached = dns.ask("WWW.example.COM");
  assert.equal(cached?.questions?.[0]?.name, "WWW.example.COM");
  assert.equal(cached?.answers?.[0]?.type === "A" && cached.answers[0].ttl, 290);
  dns.wait(290_000);
  assert.equal(dns.ask("www.example.com"), undefined);
  assert.equal(dns.sent.length, 2);
});

Deno.test("routes: cluster names and expansions go to the cluster alone, all others to the outside alone", () => {
  const dns = new Dialogue({
    clusterZones: ["cluster.local", "10.in-addr.arpa"],
    routes: [
      { zone: "corp.example.com", servers: ["198.51.100.1"] },
      { zone: "lan", servers: "cluster" },
      { zone: "public.cluster.local", servers: "outside" },
    ],
  });
  const goesTo = (name: string) => {
    dns.ask(name);
    const [server] = dns.sent.at(-1)!.split(" ");
    dns.upstreamAnswers({ rcode: 3, authorities: [soa("example.com")] });
    dns.replies.length = 0;
    return server;
  };
  assert.equal(goesTo("web.default.svc.cluster.local"), "10.96.0.10");
  assert.equal(goesTo("example.com.default.svc.Cluster.Local"), "10.96.0.10");
  assert.equal(goesTo("cluster.local"), "10.96.0.10");
  assert.equal(goesTo("4.3.2.10.in-addr.arpa"), "10.96.0.10");
  assert.equal(goesTo("notcluster.local"), "203.0.113.1");
  assert.equal(goesTo("cluster.local.example.com"), "203.0.113.1");
  assert.equal(goesTo("git.corp.example.com"), "198.51.100.1");
  assert.equal(goesTo("corp2.example.com"), "203.0.113.1");
  assert.equal(goesTo("printer.lan"), "10.96.0.10");
  assert.equal(goesTo("www.public.cluster.local"), "203.0.113.1");
});

Deno.test("the second expansion of an outside name is answered here (RFC 2308)", () => {
  const dns = new Dialogue();
  dns.ask("example.com.svc.cluster.local");
  dns.upstreamAnswers({ rcode: 3, authorities: [soa("cluster.local", 30, 5)] });
  assert.equal(dns.reply().rcode, "NXDOMAIN");
  dns.wait(4000);
  assert.equal(dns.ask("example.com.svc.cluster.local")?.rcode, "NXDOMAIN");
  dns.wait(2000);
  assert.equal(dns.ask("example.com.svc.cluster.local"), undefined);
});

Deno.test("an absence without SOA is not kept", () => {
  const dns = new Dialogue();
  dns.ask("example.com");
  dns.upstreamAnswers({ rcode: 3 });
  assert.equal(dns.reply().rcode, "NXDOMAIN");
  assert.equal(dns.ask("example.com"), undefined);
});

Deno.test("names that are nobody's are not asked for", () => {
  const dns = new Dialogue();
  const empty = (name: string) => {
    assert.equal(dns.ask(name), undefined);
    return dns.reply().rcode;
  };
  assert.equal(empty("something.onion"), "NXDOMAIN");
  assert.equal(empty("1.0.29.172.in-addr.arpa"), "NXDOMAIN");
  assert.equal(empty("1.0.16.172.in-addr.arpa"), "NXDOMAIN");
  assert.deepEqual(data(dns.ask("localhost")), ["127.0.0.1"]);
  assert.deepEqual(data(dns.ask("app.LOCALHOST", { type: "AAAA" })), ["::1"]);
  assert.equal(empty("web"), "NXDOMAIN");
  assert.deepEqual(dns.sent, []);
  dns.ask("com", { type: "NS" });
  dns.ask("1.0.32.172.in-addr.arpa", { type: "PTR" });
  dns.ask("notlocalhost.example.com");
  assert.equal(dns.sent.length, 3);
});

Deno.test("ANY is answered by RFC 8482", () => {
  const dns = new Dialogue();
  assert.equal(dns.ask("example.com", { type: "ANY" as RecordType })?.answers?.[0]?.type, "HINFO");
});

Deno.test("equal questions are joined, each client gets its own id and spelling", () => {
  const dns = new Dialogue();
  dns.ask("example.com", {}, "one");
  dns.ask("EXAMPLE.com", {}, "two");
  dns.ask("example.com", { edns: { dnssecOk: true } }, "three");
  assert.equal(dns.sent.length, 2);
  dns.upstreamAnswers({ answers: [a("example.com", "203.0.113.80")] });
  assert.deepEqual(dns.replies.map(({ client, message }) => [client, message.id, message.questions?.[0]?.name]), [
    ["one", 100, "example.com"],
    ["two", 101, "EXAMPLE.com"],
  ]);
});

Deno.test("stale answers: after 1.8 s, and at once for a while after a failure (RFC 8767)", () => {
  const dns = new Dialogue({ outsideServers: ["203.0.113.1"] });
  dns.ask("example.com");
  dns.upstreamAnswers({ answers: [a("example.com", "203.0.113.80", 10)] });
  dns.reply();
  dns.wait(3_600_000);
  dns.ask("example.com", { edns: {} });
  dns.wait(1799);
  assert.deepEqual(dns.replies, []);
  dns.wait(1);
  const stale = dns.reply();
  assert.deepEqual([data(stale), extendedError(stale)], [["203.0.113.80"], 3]);
  assert.equal(stale.answers?.[0]?.type === "A" && stale.answers[0].ttl, 30);
  dns.wait(5000);
  assert.deepEqual(dns.replies, []);
  assert.deepEqual(data(dns.ask("example.com")), ["203.0.113.80"]);
  dns.wait(86_400_000);
  assert.equal(dns.ask("example.com"), undefined);
});

Deno.test("a popular name is fetched again before it expires", () => {
  const dns = new Dialogue();
  dns.ask("example.com");
  dns.upstreamAnswers({ answers: [a("example.com", "203.0.113.80", 100)] });
  dns.reply();
  for (let index = 0; index < 5; index++) assert.ok(dns.ask("example.com"));
  dns.wait(91_000);
  assert.equal(dns.sent.length, 1);
  assert.ok(dns.ask("example.com"));
  assert.ok(dns.ask("example.com"));
  assert.equal(dns.sent.length, 2);
  dns.upstreamAnswers({ answers: [a("example.com", "203.0.113.81", 100)] });
  assert.deepEqual(data(dns.ask("example.com")), ["203.0.113.81"]);
  dns.wait(50_000);
  assert.deepEqual(data(dns.ask("example.com")), ["203.0.113.81"]);
});

const prefetches: Readonly<Record<string, (dns: Dialogue) => void>> = {
  SERVFAIL: (dns) => dns.upstreamAnswers({ rcode: 2 }),
  silence: (dns) => dns.wait(4500),
  "a server that cannot be reached": (dns) => dns.upstreamFails(),
  "TTL 0": (dns) => dns.upstreamAnswers({ answers: [a("example.com", "203.0.113.81", 0)] }),
  "NXDOMAIN without SOA": (dns) => dns.upstreamAnswers({ rcode: 3 }),
  "a local address": (dns) => dns.upstreamAnswers({ answers: [a("example.com", "10.1.2.3")] }),
};
for (const [what, happens] of Object.entries(prefetches)) {
  Deno.test(`a prefetch that brings nothing to keep (${what}) is not the last time that a name is asked for`, () => {
    const dns = new Dialogue({ outsideServers: ["203.0.113.1"] });
    dns.ask("example.com");
    dns.upstreamAnswers({ answers: [a("example.com", "203.0.113.80", 100)] });
    for (let index = 0; index < 5; index++) assert.ok(dns.ask("example.com"));
    dns.wait(91_000);
    assert.ok(dns.ask("example.com"));
    assert.equal(dns.sent.length, 2);
    happens(dns);
    dns.wait(10_000);
    dns.replies.length = 0;
    assert.equal(dns.ask("example.com"), undefined);
    dns.upstreamAnswers({ answers: [a("example.com", "203.0.113.99", 100)] }, dns.attempts.at(-1));
    assert.deepEqual(data(dns.reply()), ["203.0.113.99"]);
  });
}

Deno.test("an answer that may not be kept ends the one before it", () => {
  const dns = new Dialogue({ outsideServers: ["203.0.113.1"] });
  dns.ask("example.com");
  dns.upstreamAnswers({ answers: [a("example.com", "203.0.113.80", 10)] });
  dns.wait(20_000);
  dns.ask("example.com");
  dns.upstreamAnswers({ answers: [a("example.com", "203.0.113.81", 0)] });
  dns.replies.length = 0;
  dns.ask("example.com");
  dns.upstreamAnswers({ rcode: 2 });
  assert.equal(dns.reply().rcode, "SERVFAIL");
});

Deno.test("other servers for the outside: earlier answers are forgotten, open questions asked again, the cluster's stay", () => {
  const dns = new Dialogue();
  dns.ask("web.cluster.local");
  dns.upstreamAnswers({ answers: [a("web.cluster.local", "10.43.0.5")] });
  dns.ask("example.com");
  dns.upstreamAnswers({ answers: [a("example.com", "203.0.113.80")] });
  dns.ask("open.example.com");
  const late = dns.attempts[0]!;
  dns.replies.length = 0;
  dns.setOutsideServers("198.51.100.53");
  assert.equal(dns.sent.at(-1), "198.51.100.53 udp");
  dns.upstreamAnswers({ answers: [a("open.example.com", "203.0.113.66")] }, late);
  assert.deepEqual(dns.replies, []);
  assert.ok(dns.ask("web.cluster.local"));
  assert.equal(dns.ask("example.com"), undefined);
  assert.equal(dns.sent.at(-1), "198.51.100.53 udp");
  assert.throws(() => dns.setOutsideServers("nonsense"), /is not a DNS server/);
});

Deno.test("this server is none of its upstreams, nor is one asked twice", () => {
  const dns = new Dialogue({ outsideServers: ["172.29.0.1", "172.29.0.1:5300", "203.0.113.1", "203.0.113.1:53"] });
  const outside = dns.forwarder.stats().upstreams.filter(({ route }) => route === "outside");
  assert.deepEqual(outside.map(({ name }) => name), ["172.29.0.1:5300", "203.0.113.1"]);
});

Deno.test("our own question come back is refused", () => {
  const dns = new Dialogue();
  dns.ask("a-name-with-letters.example.com");
  const looped = dns.attempts[0]!.message;
  dns.askBytes(looped, false, "the upstream");
  const [reply] = dns.replies;
  assert.deepEqual([reply?.client, reply?.message.rcode], ["the upstream", "REFUSED"]);
  assert.equal(dns.forwarder.stats().loops, 1);
});

Deno.test("a client that writes a name in lower case is not taken for an upstream, whatever the spelling it was given", () => {
  const dns = new Dialogue();
  for (let index = 0; index < 20_000; index++) {
    dns.ask("www.google.com", {}, "one");
    dns.ask("www.google.com", {}, "two");
    dns.upstreamAnswers({});
  }
  assert.equal(dns.forwarder.stats().loops, 0);
});

Deno.test("outside names that resolve into local networks are blocked, but for exceptions and other routes", () => {
  const dns = new Dialogue();
  const resolves = (name: string, address: string) => {
    dns.ask(name, { edns: {} });
    dns.upstreamAnswers({ answers: [a(name, address)] });
    const reply = dns.reply();
    return [data(reply), extendedError(reply)];
  };
  assert.deepEqual(resolves("evil.example.com", "10.1.2.3"), [[], 15]);
  assert.deepEqual(resolves("fine.example.com", "203.0.113.1"), [["203.0.113.1"], undefined]);
  assert.deepEqual(resolves("nas.home.example.com", "10.1.2.3"), [["10.1.2.3"], undefined]);
  assert.deepEqual(resolves("web.cluster.local", "10.1.2.3"), [["10.1.2.3"], undefined]);
});

Deno.test("a flood of names leaves room for the cluster's, and is bounded", () => {
  const dns = new Dialogue();
  for (let index = 0; index < 5000; index++) dns.ask(`n${index}.flood.example.com`);
  const { pending, overload } = dns.forwarder.stats();
  assert.deepEqual([pending, overload], [2048, 2952]);
  dns.replies.length = 0;
  dns.ask("web.cluster.local");
  dns.upstreamAnswers({ answers: [a("web.cluster.local", "10.43.0.5")] }, dns.attempts.at(-1)!);
  assert.deepEqual(data(dns.reply()), ["10.43.0.5"]);
  dns.wait(5000);
  assert.equal(dns.forwarder.stats().pending, 0);
  assert.deepEqual(dns.attempts, []);
});

Deno.test("when thousands of questions are due at once, others are not kept waiting", () => {
  const dns = new Dialogue({ outsideServers: ["203.0.113.1"] });
  for (let index = 0; index < 2000; index++) dns.ask(`n${index}.flood.example.com`);
  dns.replies.length = 0;
  let most = 0;
  for (let ticks = 0; dns.forwarder.stats().pending > 0; ticks++) {
    assert.ok(ticks < 1000);
    dns.now = Math.max(dns.now, dns.forwarder.wakeAt);
    const before = dns.sent.length + dns.replies.length;
    dns.forwarder.tick(dns.now);
    most = Math.max(most, dns.sent.length + dns.replies.length - before);
    assert.ok(dns.attempts.length <= 3 * 2001);
  }
  assert.ok(most > 0 && most <= 128 + 1, `${most} at once`);
  assert.equal(dns.replies.length, 2000);
});

Deno.test("TTL limits", () => {
  const dns = new Dialogue({ ttl: { minimum: 60, maximum: 600, negativeMaximum: 30 } });
  const ttlOf = (name: string, ttl: number) => {
    dns.ask(name);
    dns.upstreamAnswers({ answers: [a(name, "203.0.113.80", ttl)] });
    const [answer] = dns.reply().answers ?? [];
    return answer?.type === "A" ? answer.ttl : undefined;
  };
  assert.equal(ttlOf("short.example.com", 1), 60);
  assert.equal(ttlOf("long.example.com", 1_000_000), 600);
  assert.equal(ttlOf("fine.example.com", 120), 120);
  dns.ask("none.example.com");
  dns.upstreamAnswers({ rcode: 3, authorities: [soa("example.com", 300, 300)] });
  dns.wait(29_000);
  assert.ok(dns.ask("none.example.com"));
  dns.wait(1000);
  assert.equal(dns.ask("none.example.com"), undefined);
});

Deno.test("queries that are none, or not for us", () => {
  const dns = new Dialogue();
  const response = Uint8Array.of(0, 1, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  assert.equal(dns.askBytes(response), undefined);
  assert.equal(dns.askBytes(response.slice(0, 5)), undefined);
  assert.equal(dns.askBytes(Uint8Array.of(0, 1, 0x28, 0, 0, 1, 0, 0, 0, 0, 0, 0))?.rcode, "NOTIMP");
  assert.equal(dns.askBytes(Uint8Array.of(0, 1, 0x01, 0, 0, 2, 0, 0, 0, 0, 0, 0))?.rcode, "FORMERR");
  assert.equal(dns.ask("example.com", { recursionDesired: false })?.rcode, "REFUSED");
  assert.equal(dns.ask("example.com", { type: "AXFR" })?.rcode, "NOTIMP");
  assert.deepEqual([dns.replies, dns.sent], [[], []]);
});

Deno.test("a route of all names takes those of no other zone, one label and all", () => {
  const dns = new Dialogue({ routes: [{ zone: ".", servers: "cluster" }] });
  for (const name of ["example.com", "web", "web.cluster.local"]) dns.ask(name);
  assert.deepEqual(dns.sent, Array(3).fill("10.96.0.10 udp"));
  dns.ask("something.onion");
  assert.equal(dns.reply().rcode, "NXDOMAIN");
});
