import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { WireError } from "../../../mod/wire/bytes.ts";
import { decodeDhcp, type DhcpMessage, encodeDhcp, noBytes } from "../../../mod/wire/dhcpv4.ts";
import { optionCodes } from "../../../mod/wire/dhcpv4_options.ts";

const empty: DhcpMessage = {
  op: 1,
  htype: 1,
  hops: 0,
  xid: 0x12345678,
  secs: 0,
  broadcast: false,
  ciaddr: 0,
  yiaddr: 0,
  siaddr: 0,
  giaddr: 0,
  chaddr: Uint8Array.of(2, 0x78, 10, 0, 0, 5),
  sname: noBytes,
  file: noBytes,
  options: new Map(),
};
const headerLength = 240;

/** A packet of the fixed fields of `empty` and these bytes as options. */
function packet(options: readonly number[], change: (bytes: Uint8Array) => void = () => {}): Uint8Array {
  const bytes = Uint8Array.of(...encodeDhcp(empty).subarray(0, headerLength), ...options);
  change(bytes);
  return bytes;
}

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
/** A field's bytes end in no NUL: the field's padding would be taken for it, or it for padding. */
const trimmed = (maxLength: number) => bytes(maxLength).filter((value) => value.at(-1) !== 0);
const optionCode = fc.integer({ min: 1, max: 254 }).filter((code) => code !== optionCodes.overload);
const messages: fc.Arbitrary<DhcpMessage> = fc.record({
  op: fc.constantFrom<1 | 2>(1, 2),
  htype: fc.integer({ min: 0, max: 255 }),
  hops: fc.integer({ min: 0, max: 255 }),
  xid: u32,
  secs: fc.integer({ min: 0, max: 0xffff }),
  broadcast: fc.boolean(),
  ciaddr: u32,
  yiaddr: u32,
  siaddr: u32,
  giaddr: u32,
  chaddr: bytes(16),
  sname: trimmed(64),
  file: trimmed(128),
  options: fc.array(fc.tuple(optionCode, bytes(600)), { maxLength: 12 }).map((entries) => new Map(entries)),
}, { noNullPrototype: true });

Deno.test("dhcpv4: what is encoded is decoded as it was, long options included (RFC 3396)", () => {
  fc.assert(fc.property(messages, (message) => {
    const decoded = decodeDhcp(encodeDhcp(message, { maximum: 16_384 }));
    // The order of options is part of a message.
    assert.deepEqual([...decoded.options], [...message.options]);
    assert.deepEqual({ ...decoded, options: new Map(decoded.options) }, message);
  }));
});

Deno.test("dhcpv4: in a small packet options go to file and sname (option 52), or the message is refused", () => {
  fc.assert(fc.property(messages, fc.integer({ min: 300, max: 1_000 }), (message, maximum) => {
    let encoded: Uint8Array;
    try {
      encoded = encodeDhcp(message, { maximum });
    } catch (error) {
      assert(error instanceof WireError);
      return;
    }
    assert(encoded.length <= maximum);
    const decoded = decodeDhcp(encoded);
    assert.deepEqual(new Map([...decoded.options].sort()), new Map([...message.options].sort()));
    assert.deepEqual({ ...decoded, options: null }, { ...message, options: null });
  }));
});

Deno.test("dhcpv4: with overflow omit, options that do not fit are left out and the rest arrives", () => {
  fc.assert(fc.property(messages, (message) => {
    const encoded = encodeDhcp(message, { maximum: 300, overflow: "omit" });
    assert.equal(encoded.length, 300);
    for (const [code, value] of decodeDhcp(encoded).options) assert.deepEqual(value, message.options.get(code));
  }));
});

Deno.test("dhcpv4: any bytes are a message or a WireError", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (tail, overload) => {
    const options = overload ? [52, 1, 3, ...tail] : [...tail];
    const bytes = packet(options, (whole) => whole.set(tail.subarray(0, 64), 44));
    try {
      encodeDhcp(decodeDhcp(bytes), { maximum: 2_000 });
    } catch (error) {
      assert(error instanceof WireError);
    }
  }));
});

Deno.test("dhcpv4: pads between options, none after the end, and no end at all are legal", () => {
  assert.deepEqual([...decodeDhcp(packet([0, 53, 1, 1, 0, 0, 12, 1, 65, 255, 99, 1, 1])).options], [
    [53, Uint8Array.of(1)],
    [12, Uint8Array.of(65)],
  ]);
  assert.deepEqual([...decodeDhcp(packet([53, 1, 1])).options], [[53, Uint8Array.of(1)]]);
});

Deno.test("dhcpv4: an option in pieces is joined in the order options, file, sname (RFC 3396)", () => {
  const bytes = packet([52, 1, 3, 15, 1, 65, 15, 1, 66, 255], (whole) => {
    whole.set([15, 1, 68, 255], 44);
    // An overload option there means nothing.
    whole.set([15, 1, 67, 52, 1, 3, 255], 108);
  });
  const decoded = decodeDhcp(bytes);
  assert.deepEqual(decoded.options.get(15), Uint8Array.of(65, 66, 67, 68));
  assert.equal(decoded.options.has(52), false);
  assert.equal(decoded.sname.length + decoded.file.length, 0);
});

Deno.test("dhcpv4: sname and file that carry no options are text", () => {
  const decoded = decodeDhcp(packet([255], (whole) => {
    whole.set([115, 0, 110], 44);
    whole.set([102], 108);
  }));
  assert.deepEqual(decoded.sname, Uint8Array.of(115, 0, 110));
  assert.deepEqual(decoded.file, Uint8Array.of(102));
});

for (
  const [name, bytes] of [
    ["nothing", new Uint8Array(0)],
    ["239 bytes", encodeDhcp(empty).subarray(0, 239)],
    ["op 3", packet([255], (whole) => whole[0] = 3)],
    ["hlen 17", packet([255], (whole) => whole[2] = 17)],
    ["no cookie (BOOTP)", packet([255], (whole) => whole[236] = 0)],
    ["an option without length", packet([53])],
    ["an option past the end", packet([53, 2, 1])],
    ["an option past the end of file", packet([52, 1, 1, 255], (whole) => whole.set([12, 255], 234))],
    ["overload 4", packet([52, 1, 4, 255])],
    ["overload 0", packet([52, 1, 0, 255])],
    ["overload of two bytes", packet([52, 2, 1, 1, 255])],
    ["overload twice", packet([52, 1, 1, 52, 1, 1, 255])],
  ] as const
) {
  Deno.test(`dhcpv4: ${name} is a WireError`, () => {
    assert.throws(() => decodeDhcp(bytes), WireError);
  });
}

Deno.test("dhcpv4: an option in 20,000 pieces is joined", () => {
  const options: number[] = [];
  for (let piece = 0; piece < 20_000; piece++) options.push(15, 1, 65);
  assert.equal(decodeDhcp(packet(options)).options.get(15)?.length, 20_000);
});

Deno.test("dhcpv4: fields longer than their place are refused", () => {
  for (const change of [{ chaddr: new Uint8Array(17) }, { sname: new Uint8Array(65) }, { file: new Uint8Array(129) }]) {
    assert.throws(() => encodeDhcp({ ...empty, ...change }), WireError);
  }
});

Deno.test("dhcpv4: at least 300 bytes, as BOOTP relays want (RFC 1542), and not more than asked for", () => {
  assert.equal(encodeDhcp(empty).length, 300);
  assert.equal(encodeDhcp(empty, { minimum: 0 }).length, 241);
  assert.throws(() => encodeDhcp({ ...empty, options: new Map([[15, new Uint8Array(600)]]) }), WireError);
});

Deno.test("dhcpv4: every field has its place (RFC 2131 figure 1)", () => {
  const bytes = encodeDhcp({
    ...empty,
    op: 2,
    hops: 3,
    secs: 0x1122,
    broadcast: true,
    ciaddr: parseIpv4("1.2.3.4"),
    yiaddr: parseIpv4("5.6.7.8"),
    siaddr: parseIpv4("9.10.11.12"),
    giaddr: parseIpv4("13.14.15.16"),
    options: new Map([[53, Uint8Array.of(2)]]),
  });
  assert.deepEqual(
    [...bytes.subarray(0, 34)],
    [2, 1, 6, 3, 0x12, 0x34, 0x56, 0x78, 0x11, 0x22, 0x80, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
      .concat([2, 0x78, 10, 0, 0, 5]),
  );
  assert.deepEqual([...bytes.subarray(236, 244)], [99, 130, 83, 99, 53, 1, 2, 255]);
});
