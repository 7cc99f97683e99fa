/** Servers that give names back in another spelling than they came in, always or now and then. */
import assert from "node:assert/strict";
import { a, data, Dialogue, responseTo } from "./dialogue.ts";

const server = "203.0.113.1";
const minutes = 60_000;

/** The answer of a server that gives names back in lower case. */
function respelt(attempt: Dialogue["attempts"][number]): Uint8Array {
  const response = responseTo(attempt, { answers: [a("www.example.com", "203.0.113.7")] });
  return response.map((octet, at) => at >= 12 && octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet);
}

function started(): Dialogue {
  return new Dialogue({ outsideServers: [server] });
}

/** Asks for a new name, and says how the server was asked until it was answered. */
function waysToAnswer(dns: Dialogue, answer: (dns: Dialogue, attempt: Dialogue["attempts"][number]) => void): string[] {
  const before = dns.sent.length;
  dns.ask(`name-number-${before}.example.com`);
  for (let step = 0; dns.replies.length === 0; step++) {
    assert.ok(step < 10);
    answer(dns, dns.attempts.at(-1)!);
  }
  assert.deepEqual(data(dns.reply()), ["203.0.113.7"]);
  return dns.sent.slice(before).map((sent) => sent.split(" ")[1]!);
}

const keeps = (dns: Dialogue, attempt: Dialogue["attempts"][number]) =>
  dns.upstreamAnswers({ answers: [a("www.example.com", "203.0.113.7")] }, attempt);
const respells = (dns: Dialogue, attempt: Dialogue["attempts"][number]) =>
  attempt.transport === "udp" ? dns.upstreamSends(respelt(attempt), attempt) : keeps(dns, attempt);

Deno.test("all messages of a question spell its name alike: dnsmasq answers each in the spelling of the first", () => {
  const dns = started();
  dns.ask("a-longer-name.example.com");
  const messages = [dns.attempts.at(-1)!.message];
  for (let count = 1; count < 4; count++) {
    while (dns.sent.length === count) dns.wait(10);
    messages.push(dns.attempts.at(-1)!.message);
  }
  assert.deepEqual(new Set(messages.map((message) => message.subarray(12).join())).size, 1);
  assert.deepEqual(new Set(messages.map((message) => message.subarray(0, 2).join())).size, 4);
});

Deno.test("another spelling now and then: that question by TCP, the next by UDP", () => {
  const dns = started();
  for (let index = 0; index < 20; index++) {
    for (let name = 0; name < 7; name++) assert.deepEqual(waysToAnswer(dns, respells), ["udp", "tcp"]);
    assert.deepEqual(waysToAnswer(dns, keeps), ["udp"]);
  }
});

Deno.test("another spelling eight times in a row: by TCP at first, and after 5 minutes by UDP again", () => {
  const dns = started();
  for (let name = 0; name < 8; name++) assert.deepEqual(waysToAnswer(dns, respells), ["udp", "tcp"]);
  assert.deepEqual(waysToAnswer(dns, respells), ["tcp"]);
  dns.wait(5 * minutes);
  assert.deepEqual(waysToAnswer(dns, respells), ["udp", "tcp"]);
  assert.deepEqual(waysToAnswer(dns, respells), ["tcp"]);
  dns.wait(5 * minutes);
  for (let name = 0; name < 2; name++) assert.deepEqual(waysToAnswer(dns, keeps), ["udp"]);
});

Deno.test("a name that does come back in its spelling ends that at once", () => {
  const dns = started();
  dns.ask("open.example.com");
  const open = dns.attempts[0]!;
  for (let name = 0; name < 9; name++) waysToAnswer(dns, respells);
  assert.deepEqual(waysToAnswer(dns, respells), ["tcp"]);
  keeps(dns, open);
  dns.reply();
  assert.deepEqual(waysToAnswer(dns, keeps), ["udp"]);
});

Deno.test("the root has no spelling, and says nothing about it", () => {
  const dns = started();
  for (let name = 0; name < 7; name++) waysToAnswer(dns, respells);
  dns.ask(".", { type: "NS" });
  dns.upstreamAnswers({});
  dns.reply();
  assert.deepEqual(waysToAnswer(dns, respells), ["udp", "tcp"]);
  assert.deepEqual(waysToAnswer(dns, respells), ["tcp"]);
});

const failures: Readonly<Record<string, (dns: Dialogue, attempt: Dialogue["attempts"][number]) => void>> = {
  "is refused": (dns, attempt) => dns.upstreamFails(attempt),
  "is silent": (dns) => {
    dns.wait(2000);
    // What any resolver knows at once.
    for (const easy of dns.attempts.filter(({ message }) => message[12] === 0)) dns.upstreamAnswers({}, easy);
  },
  "says SERVFAIL": (dns, attempt) => dns.upstreamAnswers({ rcode: 2 }, attempt),
};
for (const [what, fails] of Object.entries(failures)) {
  Deno.test(`another spelling, and TCP ${what}: it will do by UDP`, () => {
    const dns = started();
    const answer: typeof respells = (dns, attempt) =>
      attempt.transport === "udp" ? respells(dns, attempt) : fails(dns, attempt);
    const ways = Array.from({ length: 20 }, () => waysToAnswer(dns, answer));
    assert.equal(ways[0]?.[1], "tcp");
    // What TCP is like is remembered, but not for ever; that of one name it says SERVFAIL does not speak of others.
    assert.deepEqual(ways.at(-1), what === "says SERVFAIL" ? ["tcp", "udp"] : ["udp"]);
    dns.wait(minutes);
    assert.equal(waysToAnswer(dns, answer)[0], "tcp");
  });
}

Deno.test("a server that respells, has no TCP and was dead for a minute is found again", () => {
  const dns = started();
  const withoutTcp: typeof respells = (dns, attempt) =>
    attempt.transport === "udp" ? respells(dns, attempt) : dns.wait(2000);
  for (let name = 0; name < 9; name++) waysToAnswer(dns, withoutTcp);
  for (let second = 0; second < 60; second++) {
    dns.ask("www.example.com");
    dns.wait(1000);
  }
  assert.equal(dns.forwarder.isReady, false);
  dns.wait(5000);
  dns.replies.length = 0;
  waysToAnswer(dns, withoutTcp);
  assert.equal(dns.forwarder.isReady, true);
});

Deno.test("where any spelling will do, eight guesses are still all", () => {
  const dns = started();
  dns.ask("www.example.com");
  dns.upstreamSends(respelt(dns.attempts[0]!));
  dns.upstreamFails();
  assert.deepEqual(dns.sent, [`${server} udp`, `${server} tcp`, `${server} udp`]);
  const attempt = dns.attempts[0]!;
  const good = respelt(attempt);
  for (let guess = 1; guess <= 8; guess++) {
    dns.upstreamSends(good.map((octet, index) => index === 1 ? octet ^ guess : octet), attempt);
  }
  assert.equal(dns.sent.at(-1), `${server} tcp`);
  dns.upstreamSends(good, attempt);
  dns.upstreamFails();
  assert.equal(dns.reply().rcode, "SERVFAIL");
});
