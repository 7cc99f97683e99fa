import assert from "node:assert/strict";
import { a, data, Dialogue, extendedError } from "./dialogue.ts";

/** The header alone that says that nothing came of what the attempt asked. */
function bareError({ message }: Dialogue["attempts"][number], rcode: number): Uint8Array {
  return Uint8Array.of(message[0]!, message[1]!, 0x81, 0x80 | rcode, 0, 0, 0, 0, 0, 0, 0, 0);
}

const [servFail, nxDomain, refused] = [2, 3, 5];

Deno.test("an error in a header alone: asked without EDNS, and if that is no better, of the next server", () => {
  for (const rcode of [servFail, refused]) {
    const dns = new Dialogue();
    dns.ask("example.com", { edns: {} });
    dns.upstreamSends(bareError(dns.attempts[0]!, rcode));
    dns.upstreamSends(bareError(dns.attempts[0]!, rcode));
    assert.deepEqual(dns.sent, ["203.0.113.1 udp", "203.0.113.1 udp", "203.0.113.2 udp"]);
    dns.upstreamAnswers({ answers: [a("example.com", "203.0.113.80")] });
    assert.deepEqual(data(dns.reply()), ["203.0.113.80"]);
  }
});

Deno.test("an error in a header alone is the last word of the only server, at once", () => {
  const dns = new Dialogue({ outsideServers: ["203.0.113.1"] });
  dns.ask("example.com", { edns: {} });
  dns.upstreamSends(bareError(dns.attempts[0]!, refused));
  dns.upstreamSends(bareError(dns.attempts[0]!, refused));
  const reply = dns.reply();
  assert.deepEqual([reply.rcode, extendedError(reply), dns.attempts], ["SERVFAIL", undefined, []]);
});

Deno.test("a header alone is no answer, and whoever guesses one must guess its id", () => {
  const dns = new Dialogue();
  dns.ask("example.com");
  const attempt = dns.attempts[0]!;
  dns.upstreamSends(bareError(attempt, nxDomain));
  dns.upstreamSends(bareError(attempt, 0));
  for (let guess = 1; guess <= 6; guess++) {
    assert.equal(dns.sent.length, 1);
    dns.upstreamSends(bareError(attempt, servFail).map((octet, index) => index === 1 ? octet ^ guess : octet));
  }
  assert.deepEqual([dns.sent, dns.replies], [["203.0.113.1 udp", "203.0.113.1 tcp"], []]);
});
