import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { type Answer, decode, encode, type Packet } from "dns-packet";
import { parsePrefix } from "../../../mod/addr/prefix.ts";
import { RebindingGuard } from "../../../mod/dns/rebinding.ts";
import { normalize, readResponse, Response } from "../../../mod/dns/response.ts";
import { a, optRecord, soa } from "./dialogue.ts";

const limits = { minimum: 0, maximum: 86_400, negativeMaximum: 3600 };

function message(sections: Partial<Packet>, flags = 0x0180): Uint8Array {
  const questions = [{ type: "A", name: "Example.com", class: "IN" }] as const;
  return new Uint8Array(encode({ type: "response", id: 7, flags, questions: [...questions], ...sections }));
}

function read(bytes: Uint8Array): Response | undefined {
  const response = new Response();
  return readResponse(bytes, bytes.length, response) ? response : undefined;
}

/** An answer to `type`, owner compressed, with this data. */
function record(type: number, data: number[], ttl = [0, 0, 1, 0]): Uint8Array {
  const head = message({});
  head[7] = 1;
  head[head.length - 3] = type;
  return Uint8Array.of(...head, 0xc0, 12, 0, type, 0, 1, ...ttl, 0, data.length, ...data);
}

Deno.test("normalised: our flags, lower case, no OPT, TTLs within limits", () => {
  const bytes = message({
    answers: [a("example.com", "203.0.113.1", 200_000), a("example.com", "203.0.113.2", 50)],
    additionals: [a("extra.example.com", "203.0.113.3", 70), optRecord()],
  }, 0x05a0);
  const response = read(bytes)!;
  assert.equal(response.hasEdns, true);
  assert.equal(normalize(bytes, response, limits), 50);
  const kept = decode(Buffer.from(bytes.subarray(0, response.end)));
  assert.equal(kept.id, 0);
  assert.deepEqual([kept.flag_aa, kept.flag_ad, kept.flag_ra, kept.flag_rd], [false, false, true, false]);
  assert.equal(kept.questions?.[0]?.name, "example.com");
  assert.deepEqual(kept.answers?.map((answer) => answer.type === "A" && answer.ttl), [86_400, 50]);
  assert.deepEqual(kept.additionals?.map(({ type }) => type), ["A"]);
});

Deno.test("normalised: an owner that is the name asked for, written out in full, is in its spelling; others stay", () => {
  const cname: Answer = { type: "CNAME", name: "EXAMPLE.com", data: "Www.EXAMPLE.com", ttl: 50, class: "IN" };
  const bytes = message({
    answers: [
      cname,
      a("Www.EXAMPLE.com", "203.0.113.1"),
      a("exAMPLE.coM", "203.0.113.2"),
      a("exAMPLF.com", "203.0.113.3"),
    ],
    authorities: [soa("Com")],
    additionals: [a("Example.COM", "203.0.113.4")],
  });
  normalize(bytes, read(bytes)!, limits);
  const { answers, authorities, additionals } = decode(Buffer.from(bytes));
  assert.deepEqual(answers?.map(({ name }) => name), ["example.com", "Www.EXAMPLE.com", "example.com", "exAMPLF.com"]);
  assert.deepEqual(answers?.[0]?.type === "CNAME" && answers[0].data, "Www.EXAMPLE.com");
  assert.deepEqual([authorities?.[0]?.name, additionals?.[0]?.name], ["Com", "example.com"]);
});

Deno.test("how long an answer is kept", () => {
  const ttlOf = (sections: Partial<Packet>, flags?: number) => {
    const bytes = message(sections, flags);
    return normalize(bytes, read(bytes)!, limits);
  };
  const cname: Answer = { type: "CNAME", name: "example.com", data: "other.example.com", ttl: 20, class: "IN" };
  assert.equal(ttlOf({ answers: [cname, a("other.example.com", "203.0.113.1", 60)] }), 20);
  assert.equal(
    ttlOf({ answers: [cname], authorities: [soa("example.com", 100, 10)] }),
    10,
    "no such record at the end",
  );
  assert.equal(ttlOf({ authorities: [soa("example.com", 5, 100)] }), 5, "NODATA: the SOA's own TTL");
  assert.equal(ttlOf({ authorities: [soa("example.com", 90_000, 90_000)] }, 0x0183), 3600, "NXDOMAIN: the limit");
  assert.equal(ttlOf({}, 0x0183), 0, "NXDOMAIN without SOA");
  assert.equal(ttlOf({ answers: [a("example.com", "203.0.113.1", 0)] }), 0);
  const forever = record(1, [203, 0, 113, 1], [0xff, 0xff, 0xff, 0xff]);
  assert.equal(normalize(forever, read(forever)!, limits), 0, "the highest bit: RFC 2181 section 8");
});

Deno.test("well-formed and malformed data", () => {
  const wellFormed: [number, number[]][] = [
    [1, [1, 2, 3, 4]],
    [5, [0xc0, 12]],
    [5, [1, 0x61, 0]],
    [15, [0, 1, 0xc0, 12]],
    [33, [0, 1, 0, 1, 0, 1, 0]],
    [6, [0, 0, ...Array<number>(20).fill(0)]],
    [99, []],
  ];
  for (const [type, data] of wellFormed) assert.ok(read(record(type, data)), `${type}: ${data}`);
  const malformed: [number, number[]][] = [
    [1, [1, 2, 3]],
    [28, [1, 2, 3, 4]],
    [5, []],
    [5, [5, 0x61]],
    [5, [0xc0, 12, 0]],
    [5, [0xc0, 0xff]],
    [5, [0xc0, 41]],
    [5, [0x40, 1]],
    [15, [0, 1]],
    [6, [0, 0, 1]],
  ];
  for (const [type, data] of malformed) assert.equal(read(record(type, data)), undefined, `${type}: ${data}`);
});

Deno.test("cut off anywhere, or with counts that lie, it is none", () => {
  const bytes = message({ answers: [a("example.com", "203.0.113.1")], authorities: [soa("example.com")] });
  assert.ok(read(bytes));
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(read(bytes.slice(0, length)), undefined, `${length}`);
  }
  for (const at of [5, 7, 9, 11]) {
    const lying = bytes.slice();
    lying[at]!++;
    assert.equal(read(lying), undefined, `count at ${at}`);
  }
});

Deno.test("a name that points at itself, forwards, or grows over 255 octets", () => {
  const head = message({});
  head[7] = 1;
  const tail = [0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4];
  const owner = (...name: number[]) => read(Uint8Array.of(...head, ...name, ...tail));
  assert.ok(owner(0xc0, 12));
  assert.equal(owner(0xc0, head.length), undefined);
  assert.equal(owner(0xc0, head.length + 2), undefined);
  assert.equal(owner(1, 0x61, 0xc0, head.length), undefined);
  const label = [63, ...Array<number>(63).fill(0x61)];
  assert.ok(owner(...label, ...label, ...label, 47, ...Array<number>(47).fill(0x61), 0xc0, 12));
  assert.equal(owner(...label, ...label, ...label, 50, ...Array<number>(50).fill(0x61), 0xc0, 12), undefined);
});

Deno.test("rebinding: addresses and address hints of both families", () => {
  const guard = new RebindingGuard([parsePrefix("10.0.0.0/8"), parsePrefix("fd00::/8")]);
  const forbids = (type: number, data: number[]) => {
    const bytes = record(type, data);
    return guard.forbids(bytes, read(bytes)!);
  };
  const v6 = (...start: number[]) => [...start, ...Array<number>(16 - start.length).fill(1)];
  assert.equal(forbids(1, [10, 1, 2, 3]), true);
  assert.equal(forbids(1, [11, 1, 2, 3]), false);
  assert.equal(forbids(28, v6(0xfd)), true);
  assert.equal(forbids(28, v6(0x20, 1)), false);
  assert.equal(forbids(28, [...Array<number>(10).fill(0), 0xff, 0xff, 10, 1, 2, 3]), true);
  assert.equal(forbids(28, [...Array<number>(10).fill(0), 0xff, 0xff, 11, 1, 2, 3]), false);
  const alpn = [0, 1, 0, 3, 2, 0x68, 0x32];
  assert.equal(forbids(65, [0, 1, 0, ...alpn, 0, 4, 0, 8, 203, 0, 113, 1, 10, 0, 0, 1]), true);
  assert.equal(forbids(65, [0, 1, 0, ...alpn, 0, 4, 0, 4, 203, 0, 113, 1]), false);
  assert.equal(forbids(64, [0, 1, 0, 0, 6, 0, 16, ...v6(0xfd)]), true);
  assert.equal(forbids(65, [0, 1, 0, 0, 4, 0, 99, 10, 0, 0, 1]), false);
});
