import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { prefix4 } from "../../../mod/addr/prefix.ts";
import { WireError } from "../../../mod/wire/bytes.ts";
import {
  classlessRoutesValue,
  domainSearchValue,
  OptionList,
  readDomainSearch,
  readIpv4List,
  readMaskLength,
  readName,
  readU16,
  readU32,
  readU8,
  textValue,
  u16Value,
  u32Value,
} from "../../../mod/wire/dhcpv4_options.ts";

const search = (...bytes: number[]) => readDomainSearch(new Map([[119, Uint8Array.from(bytes)]]));

Deno.test("options: an integer of the wrong length is as good as absent", () => {
  const options = new Map([[1, Uint8Array.of(1, 2, 3)]]);
  assert.deepEqual([readU8(options, 1), readU16(options, 1), readU32(options, 1)], [undefined, undefined, undefined]);
  assert.deepEqual([readU8(options, 2), readU16(options, 2), readU32(options, 2)], [undefined, undefined, undefined]);
  assert.deepEqual(readIpv4List(options, 1), []);
});

Deno.test("options: integers are what they were", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 0xffffffff }), (value) => {
    assert.equal(readU32(new Map([[1, u32Value(value)]]), 1), value);
    assert.equal(readU16(new Map([[1, u16Value(value & 0xffff)]]), 1), value & 0xffff);
  }));
});

Deno.test("options: a mask is a length only with all ones in front", () => {
  const length = (mask: string) => readMaskLength(new Map([[1, u32Value(parseIpv4(mask))]]));
  assert.equal(length("255.255.255.0"), 24);
  assert.equal(length("0.0.0.0"), 0);
  assert.equal(length("255.255.255.255"), 32);
  assert.equal(length("255.0.255.0"), undefined);
  assert.equal(readMaskLength(new Map()), undefined);
});

Deno.test("options: names are names", () => {
  const name = (text: string) => readName(new Map([[12, textValue(text)]]), 12);
  assert.equal(name("media-0"), "media-0");
  assert.equal(name("media-0.default.svc\0\0"), "media-0.default.svc");
  assert.equal(name("_dns.example."), "_dns.example.");
  for (const wrong of ["", "a b", "a\nb", "a..b", "-a", "a\0b", "ä", "a".repeat(64), "\x1b[31m"]) {
    assert.equal(name(wrong), undefined, JSON.stringify(wrong));
  }
});

Deno.test("options: a search list with compression (the example of RFC 3397)", () => {
  const eng = [3, 101, 110, 103, 5, 97, 112, 112, 108, 101, 3, 99, 111, 109, 0];
  assert.deepEqual(search(...eng, 9, ...new TextEncoder().encode("marketing"), 0xc0, 4), [
    "eng.apple.com",
    "marketing.apple.com",
  ]);
});

Deno.test("options: a search list that is malformed is none, and following pointers ends", () => {
  for (
    const wrong of [[0xc0, 0], [3, 97], [0xc0], [1, 97, 0xc0, 0], [1, 97, 0, 0xc0, 3], [0x40, 97, 0], [1, 32, 0], [0]]
  ) {
    assert.deepEqual(search(...wrong), [], wrong.join());
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void search(...bytes)));
});

Deno.test("options: a search list is what it was", () => {
  const names = ["a.example", "b.c.example"];
  assert.deepEqual(search(...domainSearchValue(names)), names);
  assert.throws(() => domainSearchValue(["a..b"]), WireError);
  assert.throws(() => domainSearchValue(["a".repeat(64)]), WireError);
});

Deno.test("options: classless routes (the table of RFC 3442)", () => {
  const router = parseIpv4("10.9.8.7");
  for (
    const [prefix, length, descriptor] of [
      ["0.0.0.0", 0, [0]],
      ["10.0.0.0", 8, [8, 10]],
      ["10.0.0.0", 24, [24, 10, 0, 0]],
      ["10.17.0.0", 16, [16, 10, 17]],
      ["10.27.129.0", 24, [24, 10, 27, 129]],
      ["10.229.0.128", 25, [25, 10, 229, 0, 128]],
      ["10.198.122.47", 32, [32, 10, 198, 122, 47]],
    ] as const
  ) {
    const route = { destination: prefix4(parseIpv4(prefix), length), router };
    const value = classlessRoutesValue([route, route]);
    assert.deepEqual([...value], [...descriptor, 10, 9, 8, 7, ...descriptor, 10, 9, 8, 7]);
  }
});

Deno.test("options: a list is what a Map is, whatever is done to it", () => {
  const code = fc.integer({ min: 1, max: 8 });
  const steps = fc.array(fc.record({ code, value: fc.uint8Array({ maxLength: 3 }), isDeleted: fc.boolean() }));
  fc.assert(fc.property(steps, (steps) => {
    const [list, map] = [new OptionList(), new Map<number, Uint8Array>()];
    for (const { code, value, isDeleted } of steps) {
      for (const options of [list, map]) isDeleted ? options.delete(code) : options.set(code, value);
      assert.equal(list.has(code), map.has(code));
      assert.equal(list.get(code), map.get(code));
      assert.equal(list.size, map.size);
    }
    assert.deepEqual([...list], [...map]);
    const visited: [number, Uint8Array][] = [];
    list.forEach((value, code) => visited.push([code, value]));
    assert.deepEqual(visited, [...map]);
  }));
});
