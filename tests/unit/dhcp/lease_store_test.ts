import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import type { LeaseRecord } from "../../../mod/dhcp/lease_record.ts";
import { decodeJournal, encodeRecords } from "../../../mod/dhcp/lease_store.ts";

const records: fc.Arbitrary<LeaseRecord> = fc.record({
  address: fc.integer({ min: 0, max: 0xffffffff }),
  state: fc.constantFrom<LeaseRecord["state"]>("bound", "released", "declined"),
  chaddr: fc.uint8Array({ maxLength: 16 }),
  clientId: fc.uint8Array({ maxLength: 255 }),
  hostName: fc.string(),
  until: fc.integer({ min: 0, max: 2 ** 45 }),
}, { requiredKeys: ["address", "state", "chaddr", "until"], noNullPrototype: true });

Deno.test("lease store: records are what they were", () => {
  fc.assert(fc.property(fc.array(records), (list) => {
    const bytes = encodeRecords(list);
    assert.deepEqual(decodeJournal(bytes), { records: list, damagedLines: [], intactLength: bytes.length });
  }));
});

Deno.test("lease store: cut anywhere, the whole lines before the cut are there, and nothing else is", () => {
  fc.assert(
    fc.property(fc.array(records, { minLength: 1 }), fc.double({ min: 0, max: 1, noNaN: true }), (list, where) => {
      const bytes = encodeRecords(list);
      const cut = bytes.subarray(0, Math.floor(where * bytes.length));
      const journal = decodeJournal(cut);
      assert.deepEqual(journal.damagedLines, []);
      assert.deepEqual(journal.records, list.slice(0, journal.records.length));
      assert.equal(journal.intactLength, encodeRecords(journal.records).length);
    }),
  );
});

Deno.test("lease store: a line can be read by people", () => {
  const record: LeaseRecord = {
    address: parseIpv4("172.29.0.20"),
    state: "bound",
    chaddr: Uint8Array.of(2, 0x78, 10, 0, 0, 5),
    clientId: Uint8Array.of(1, 2),
    hostName: "media-0",
    until: 1_700_000_000_000,
  };
  assert.equal(
    new TextDecoder().decode(encodeRecords([record])),
    '{"address":"172.29.0.20","state":"bound","until":1700000000000,"mac":"02:78:0a:00:00:05","id":"01:02","name":"media-0"}\n',
  );
});

Deno.test("lease store: lines that are no records are counted and passed over", () => {
  const good = '{"address":"172.29.0.20","state":"bound","until":1,"mac":"02:78:0a:00:00:05"}';
  const bad = [
    "garbage",
    "null",
    "[]",
    "1",
    '{"address":"172.29.0.256","state":"bound","until":1,"mac":"02"}',
    '{"address":"172.29.0.20","state":"offered","until":1,"mac":"02"}',
    '{"address":"172.29.0.20","state":"bound","until":"1","mac":"02"}',
    '{"address":"172.29.0.20","state":"bound","until":1}',
    '{"address":"172.29.0.20","state":"bound","until":1,"mac":"0g"}',
    '{"address":"172.29.0.20","state":"bound","until":1,"mac":"02:"}',
    '{"address":"172.29.0.20","state":"bound","until":1,"mac":"02-03"}',
    `{"address":"172.29.0.20","state":"bound","until":1,"mac":"${Array(17).fill("02").join(":")}"}`,
    '{"address":"172.29.0.20","state":"bound","until":1,"mac":"02","id":7}',
    '{"address":"172.29.0.20","state":"bound","until":1,"mac":"02","id":"}',
    '{"address":"172.29.0.20","state":"bound","until":1,"mac":"02","name":"a}',
    '{"address":"172.29.0.20","state":"bound","until":01,"mac":"02"}',
    '{"address":"172.29.0.020","state":"bound","until":1,"mac":"02"}',
    '{"address":"172.29.0.20","state":"bound","until":1,"mac":"02"} ,',
    '{"address":"172.29.0.20","state":"bound","until":1,"mac":"02"',
  ];
  const journal = decodeJournal(new TextEncoder().encode([good, ...bad, "", good, ""].join("\n")));
  assert.equal(journal.records.length, 2);
  assert.deepEqual(journal.damagedLines, bad.map((_, index) => index + 2));
});

Deno.test("lease store: no bytes make it throw", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void decodeJournal(bytes)));
});

Deno.test("lease store: a line that somebody wrote by hand counts too", () => {
  const lines = [
    '{ "state": "bound", "address": "172.29.0.20", "until": 1.5e3, "mac": "02:78:0a:00:00:05", "name": "a\\u0062" }',
    '{"address":"172.29.0.21","state":"released","until":2,"mac":"","id":"01","name":"","note":"moved"}',
    '{"address":"172.29.0.22","state":"declined","until":3,"mac":"02","name":7}',
  ];
  assert.deepEqual(decodeJournal(new TextEncoder().encode(`${lines.join("\n")}\n`)).records, [
    {
      address: parseIpv4("172.29.0.20"),
      state: "bound",
      chaddr: Uint8Array.of(2, 0x78, 10, 0, 0, 5),
      hostName: "ab",
      until: 1_500,
    },
    {
      address: parseIpv4("172.29.0.21"),
      state: "released",
      chaddr: new Uint8Array(0),
      clientId: Uint8Array.of(1),
      hostName: "",
      until: 2,
    },
    { address: parseIpv4("172.29.0.22"), state: "declined", chaddr: Uint8Array.of(2), until: 3 },
  ]);
});
