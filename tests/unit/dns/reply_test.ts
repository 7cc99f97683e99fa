import assert from "node:assert/strict";
import { lookupQuestion } from "../../../mod/dns/lookup.ts";
import { writeLocal } from "../../../mod/dns/reply.ts";
import { Query, readQuery, types, u16 } from "../../../mod/wire/dns.ts";
import { Dialogue, responseTo } from "./dialogue.ts";

Deno.test("which resolver this is: none with an encrypted side (RFC 9462), whatever an upstream is", () => {
  const answer = (name: string, type: number) => {
    const question = lookupQuestion(name, 7, type)!;
    const query = new Query();
    readQuery(question, question.length, query);
    const out = new Uint8Array(512);
    const length = writeLocal(out, question, query);
    return length === 0 ? "not local" : [length, u16(out, 0), u16(out, 2) & 0xf, u16(out, 6)];
  };
  const empty = (name: string) => [12 + name.length + 2 + 4, 7, 0, 0];
  for (const name of ["_dns.resolver.arpa", "_dns.Resolver.ARPA", "resolver.arpa"]) {
    assert.deepEqual(answer(name, types.svcb), empty(name));
    assert.deepEqual(answer(name, types.a), empty(name));
  }
  assert.equal(answer("xresolver.arpa", types.svcb), "not local");
  assert.equal(answer("arpa", types.ns), "not local");
});

Deno.test("a stale answer that does not fit keeps OPT as it is", () => {
  const dns = new Dialogue();
  const ask = () => dns.ask("big.example.com", { edns: { dnssecOk: true } });
  const compressed = (last: number) => [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 10, 0, 4, 203, 0, 113, last];
  ask();
  const answer = Uint8Array.of(
    ...responseTo(dns.attempts[0]!, {}),
    ...Array.from({ length: 100 }, (_, index) => compressed(index)).flat(),
  );
  answer[7] = 100;
  dns.upstreamSends(answer);
  dns.reply();
  dns.wait(20_000);
  ask();
  dns.wait(1_800);
  const { flag_tc, additionals } = dns.reply();
  const [opt] = additionals!;
  assert.deepEqual([flag_tc, opt?.type === "OPT" && opt.flag_do], [true, true]);
});
