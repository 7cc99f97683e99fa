import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type Answer, encode } from "dns-packet";
import { formatType, parseType, showMessage } from "../../../mod/dns/presentation.ts";
import { appendExtendedError, extendedErrors } from "../../../mod/dns/reply.ts";
import { a, optRecord, soa } from "./dialogue.ts";

function message(answers: Answer[], authorities: Answer[] = [], rcode = 0): Uint8Array {
  return new Uint8Array(encode({
    type: "response",
    flags: 0x0180 | rcode,
    questions: [{ type: "A", name: "www.example.com", class: "IN" }],
    answers,
    authorities,
  }));
}

Deno.test("types by name and by number", () => {
  assert.deepEqual(["a", "AAAA", "https", "TYPE257", "type65535"].map(parseType), [1, 28, 65, 257, 65_535]);
  assert.deepEqual(["", "TYPE0", "TYPE65536", "TYPE1x", "toString"].map(parseType), Array(5).fill(undefined));
  assert.deepEqual([1, 64, 257, 4711].map(formatType), ["A", "SVCB", "CAA", "TYPE4711"]);
});

Deno.test("records as in a zone file, names uncompressed", () => {
  const of = (answer: Answer) => showMessage(message([answer]))?.answers[0]?.data;
  const name = "www.example.com";
  assert.equal(of(a(name, "203.0.113.80")), "203.0.113.80");
  assert.equal(of({ type: "AAAA", name, data: "2001:db8::80" }), "2001:db8::80");
  assert.equal(of({ type: "CNAME", name, data: "Other.example.com" }), "other.example.com.");
  assert.equal(
    of({ type: "MX", name, data: { preference: 10, exchange: "mail.example.com" } }),
    "10 mail.example.com.",
  );
  assert.equal(
    of({ type: "SRV", name, data: { priority: 1, weight: 2, port: 53, target: "a.example.com" } }),
    "1 2 53 a.example.com.",
  );
  assert.equal(of({ type: "TXT", name, data: ['a "b"', "c"] }), '"a \\"b\\"" "c"');
  assert.equal(of(soa("example.com")), "ns.example.com. host.example.com. 1 1 1 1 60");
  assert.equal(
    of({ type: "CAA", name, data: { flags: 0, tag: "issue", value: "x" } } as Answer),
    "\\# 8 0005697373756578",
  );
  const compressed = Uint8Array.of(...message([]), 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, 16);
  compressed[7] = 1;
  assert.deepEqual(showMessage(compressed)?.answers, [
    { name: "www.example.com.", ttlSeconds: 9, type: "CNAME", data: "example.com." },
  ]);
});

Deno.test("status and extended error", () => {
  assert.deepEqual(showMessage(message([], [soa("example.com")], 3)), { status: "NXDOMAIN", answers: [] });
  const plain = encode({
    type: "response",
    flags: 0x0182,
    questions: [{ type: "A", name: "www.example.com", class: "IN" }],
    additionals: [optRecord()],
  });
  const out = new Uint8Array(512);
  out.set(plain);
  const length = appendExtendedError(out, plain.length, { code: extendedErrors.notReady, text: "the VPN is down" });
  assert.deepEqual(showMessage(out.subarray(0, length)), {
    status: "SERVFAIL",
    remark: "not ready: the VPN is down",
    answers: [],
  });
  for (let cut = 0; cut < length; cut++) showMessage(out.subarray(0, cut));
  assert.equal(showMessage(Buffer.alloc(12)), undefined);
});
