import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { prefix4 } from "../../../mod/addr/prefix.ts";
import { DhcpServer } from "../../../mod/dhcp/server.ts";
import { decodeDhcp, type DhcpMessage, encodeDhcp, noBytes } from "../../../mod/wire/dhcpv4.ts";
import { OptionList } from "../../../mod/wire/dhcpv4_options.ts";

const address = parseIpv4("172.29.0.1");
const network = prefix4(address, 24);
const noField = { xid: 7, secs: 0, hops: 0, broadcast: false, ciaddr: 0, yiaddr: 0, siaddr: 0, giaddr: 0 };

/** The reply to a DHCPDISCOVER with `options`, of a server that has the parameters `further` as well. */
function replyTo(
  options: Readonly<Record<number, readonly number[]>>,
  further: ReadonlyMap<number, Uint8Array> = new Map(),
  fields: Partial<DhcpMessage> = {},
): { readonly bytes: Uint8Array; readonly codes: number[]; readonly message: DhcpMessage } {
  const given = Object.entries({ 53: [1], ...options }).map(([code, value]) =>
    [Number(code), Uint8Array.from(value)] as const
  );
  const request: DhcpMessage = {
    op: 1,
    htype: 1,
    chaddr: Uint8Array.of(0, 12, 0, 0, 0, 1),
    sname: noBytes,
    file: noBytes,
    options: new OptionList(given),
    ...noField,
    ...fields,
  };
  const { reply, event } = new DhcpServer({ address, network, options: further }, [], 0).handle(request, 0);
  assert(reply !== undefined, JSON.stringify(event));
  const bytes = encodeDhcp(reply.message, reply.limits);
  const message = decodeDhcp(bytes);
  return { bytes, message, codes: [...message.options].map(([code]) => code) };
}

/** So many parameters of ten bytes, with the list that asks for them. */
function plenty(count: number): { readonly further: Map<number, Uint8Array>; readonly list: number[] } {
  const list = Array.from({ length: count }, (_, index) => 128 + index);
  return { list, further: new Map(list.map((code) => [code, new Uint8Array(10).fill(code)])) };
}

Deno.test("replies: the mask comes before the router, whatever the order that is asked for (RFC 2132 section 3.3)", () => {
  assert.deepEqual(replyTo({ 55: [3, 1, 6] }).codes, [53, 54, 51, 58, 59, 1, 3, 6]);
  assert.deepEqual(replyTo({ 55: [6, 3] }).codes, [53, 54, 51, 58, 59, 6, 3]);
});

Deno.test("replies: classless routes replace the router and static routes for who asks for them (RFC 3442)", () => {
  const routes = new Map([[121, Uint8Array.of(8, 10, 172, 29, 0, 1)], [33, Uint8Array.of(10, 0, 0, 1, 172, 29, 0, 1)]]);
  assert.deepEqual(replyTo({ 55: [1, 121, 3, 33, 6] }, routes).codes.slice(5), [1, 121, 6]);
  assert.deepEqual(replyTo({ 55: [1, 3, 33, 6] }, routes).codes.slice(5), [1, 3, 33, 6]);
  assert.deepEqual(replyTo({ 55: [1, 121, 3, 6] }).codes.slice(5), [1, 3, 6]);
});

Deno.test("replies: identifier, rapid commit and relay information are there however much is asked for", () => {
  const id = Array.from({ length: 37 }, () => 7);
  const information = [1, 20, ...Array.from({ length: 20 }, () => 9)];
  for (let count = 20; count <= 60; count++) {
    const { list, further } = plenty(count);
    const { bytes, message, codes } = replyTo({ 55: list, 61: id, 80: [], 82: information }, further, {
      giaddr: parseIpv4("172.29.0.9"),
    });
    assert(bytes.length <= 548);
    assert.deepEqual([...message.options.get(61)!], id);
    assert(codes.includes(80));
    // Behind the header, before what says that there are more in other fields, as the last option (RFC 3046 section 2.2).
    const end = bytes.findLastIndex((byte) => byte === 255);
    const overload = bytes[end - 3] === 52 ? 3 : 0;
    assert.deepEqual([...bytes.subarray(end - overload - 24, end - overload)], [82, 22, ...information], `${count}`);
  }
});

Deno.test("replies: as large as the client says that it takes, and what does not fit is left out", () => {
  const { list, further } = plenty(110);
  const size = (bytes: readonly number[] | undefined) =>
    replyTo({ 55: list, ...(bytes === undefined ? {} : { 57: bytes }) }, further).bytes.length + 28;
  assert(size(undefined) > 560 && size(undefined) <= 576);
  // RFC 2131 section 2: each takes 576, whatever it says.
  assert.equal(size([1, 0]), size(undefined));
  assert(size([4, 0]) > 1_000 && size([4, 0]) <= 1_024);
  // What goes through the tunnel unfragmented.
  assert(size([255, 255]) > 1_380 && size([255, 255]) <= 1_400);
});

Deno.test("replies: what is itself a reply gets none", () => {
  const options = new OptionList([[53, Uint8Array.of(1)]]);
  const chaddr = Uint8Array.of(0, 12, 0, 0, 0, 1);
  const message: DhcpMessage = { op: 2, htype: 1, chaddr, sname: noBytes, file: noBytes, options, ...noField };
  const { event } = new DhcpServer({ address, network }, [], 0).handle(message, 0);
  assert.deepEqual(event, { kind: "dropped", reason: "malformed" });
});
