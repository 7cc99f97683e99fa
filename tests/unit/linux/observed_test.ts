import assert from "node:assert/strict";
import { parseIpv4, toOctets } from "../../../mod/addr/ipv4.ts";
import { parseMac } from "../../../mod/addr/mac.ts";
import { parsePrefix } from "../../../mod/addr/prefix.ts";
import { cString } from "../../../mod/linux/libc.ts";
import {
  type Attribute,
  decodeMessages,
  encodeMessage,
  type Message,
  u32,
} from "../../../mod/linux/netlink_message.ts";
import { type Dumps, readDumps } from "../../../mod/linux/observed.ts";

/** A message as the kernel sends it: the fields of its struct, each with its width in bits, then attributes. */
function message(fields: readonly (readonly [8 | 16 | 32, number])[], attributes: readonly Attribute[]): Message {
  const bytes = fields.flatMap(([bits, value]) =>
    Array.from({ length: bits / 8 }, (_, index) => value / 2 ** (8 * index) & 0xff)
  );
  return decodeMessages(encodeMessage({ type: 1, flags: 0, sequence: 1 }, Uint8Array.from(bytes), attributes))[0]!;
}

const ipv4 = (text: string) => Uint8Array.from(toOctets(parseIpv4(text)));
const ipv6 = (...groups: number[]) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
const [inet, inet6] = [2, 10];

/** `ifinfomsg` */
const link = (index: number, type: number, flags: number, attributes: readonly Attribute[]) =>
  message([[8, 0], [8, 0], [16, type], [32, index], [32, flags], [32, 0]], attributes);
/** `ifaddrmsg` */
const address = (family: number, length: number, scope: number, index: number, attributes: readonly Attribute[]) =>
  message([[8, family], [8, length], [8, 0], [8, scope], [32, index]], attributes);
/** `rtmsg`, of a route to a destination of `length` bits. */
const route = (
  family: number,
  length: number,
  { table = 254, protocol = 3, type = 1, flags = 0 },
  attributes: readonly Attribute[],
) =>
  message(
    [[8, family], [8, length], [8, 0], [8, 0], [8, table], [8, protocol], [8, 0], [8, type], [32, flags]],
    attributes,
  );
/** `fib_rule_hdr` */
const rule = (
  family: number,
  { action = 1, destinationLength = 0, sourceLength = 0, flags = 0 },
  attributes: readonly Attribute[],
) =>
  message(
    [[8, family], [8, destinationLength], [8, sourceLength], [8, 0], [8, 0], [8, 0], [8, 0], [8, action], [32, flags]],
    attributes,
  );
/** `ndmsg` */
const neighbor = (index: number, state: number, attributes: readonly Attribute[]) =>
  message([[8, inet], [8, 0], [16, 0], [32, index], [16, state], [8, 0], [8, 1]], attributes);

const mac = parseMac("02:78:0a:2a:00:05");
const vxlan: Attribute[] = [
  { type: 1, value: u32(3150) },
  { type: 2, value: ipv4("10.42.0.6") },
  { type: 3, value: u32(2) },
  { type: 4, value: ipv4("10.42.0.5") },
  { type: 15, value: Uint8Array.of(0x12, 0xb5) },
];
const links = [
  link(1, 772, 0x49, [{ type: 3, value: cString("lo") }, { type: 1, value: new Uint8Array(6) }]),
  link(2, 1, 0x1003, [{ type: 3, value: cString("eth0") }, { type: 1, value: mac }, { type: 4, value: u32(1450) }]),
  link(4, 1, 0x1002, [
    { type: 3, value: cString("vxlan3150") },
    { type: 27, value: u32(80) },
    { type: 18, value: [{ type: 1, value: cString("vxlan") }, { type: 2, value: vxlan }] },
  ]),
  link(5, 65534, 0x91, [{ type: 3, value: cString("tun0") }, {
    type: 18,
    value: [{ type: 1, value: cString("tun") }],
  }]),
];
const nothing: Dumps = { links, addresses: [], routes: [], rules: [], neighbors: [] };

Deno.test("links: whose they are, and the settings of VXLAN devices", () => {
  const observed = readDumps(nothing).links;
  assert.deepEqual(observed.map(({ name, ours, up, ethernet, kind }) => [name, ours, up, ethernet, kind]), [
    ["lo", false, true, false, undefined],
    ["eth0", false, true, true, undefined],
    ["vxlan3150", true, false, true, "vxlan"],
    ["tun0", false, true, false, "tun"],
  ]);
  assert.deepEqual(observed.map(({ index, mac, mtu }) => [index, mac, mtu])[1], [2, "02:78:0a:2a:00:05", 1450]);
  assert.deepEqual(observed[2]?.vxlan, {
    id: 3150,
    port: 4789,
    uplink: "eth0",
    local: "10.42.0.5",
    remote: "10.42.0.6",
  });
});

Deno.test("addresses of both families, with what is left of their life; of a point-to-point link the own one", () => {
  const life = Uint8Array.of(...u32(50), ...u32(100), ...u32(0), ...u32(0));
  const peer = { type: 1, value: ipv4("172.29.0.1") };
  const addresses = [
    address(inet, 24, 0, 4, [peer, { type: 2, value: ipv4("172.29.0.20") }, { type: 6, value: life }]),
    address(inet6, 64, 253, 2, [{ type: 1, value: ipv6(0xfe80, 0, 0, 0, 0, 0, 0, 5) }]),
    address(28, 0, 0, 2, [peer]),
  ];
  assert.deepEqual(readDumps({ ...nothing, addresses }).addresses, [
    { device: "vxlan3150", family: 4, address: "172.29.0.20", prefixLength: 24, scope: "global", validSeconds: 100 },
    { device: "eth0", family: 6, address: "fe80::5", prefixLength: 64, scope: "link" },
  ]);
});

const to = (text: string) => ({ type: 1, value: ipv4(text) });
const by = { type: 4, value: u32(2) };
const hop = (router: string) => Uint8Array.of(16, 0, 0, 0, 2, 0, 0, 0, 8, 0, 5, 0, ...ipv4(router));

function routes(...routes: readonly Message[]) {
  return readDumps({ ...nothing, routes }).routes;
}

Deno.test("routes: those of the table local, of other types and of other families are no concern", () => {
  assert.deepEqual(
    routes(
      route(inet, 32, { table: 255, type: 2 }, [to("10.42.0.5"), by]),
      route(inet, 24, { type: 6 }, [to("192.0.2.0")]),
      route(28, 0, {}, [by]),
    ),
    [],
  );
});

Deno.test("routes: the table and the way of each", () => {
  const theirs = { table: "main", metric: 0, protocol: 3, ours: false, multipath: false };
  const onEth0 = { kind: "device", device: "eth0" };
  assert.deepEqual(
    routes(
      route(inet, 0, { table: 0, protocol: 80, flags: 4 }, [
        { type: 15, value: u32(3150) },
        { type: 6, value: u32(5) },
        { type: 5, value: ipv4("10.42.0.1") },
        { type: 8, value: [{ type: 2, value: u32(1400) }] },
        by,
      ]),
      route(inet, 0, { protocol: 80, type: 7 }, [{ type: 6, value: u32(4_294_967_295) }]),
      route(inet, 24, {}, [to("10.42.0.0"), { type: 7, value: ipv4("10.42.0.5") }, by]),
      route(inet, 24, {}, [to("198.51.100.0"), {
        type: 9,
        value: Uint8Array.of(...hop("10.42.0.2"), ...hop("10.42.0.3")),
      }]),
      route(inet, 24, {}, [to("192.0.2.0"), {
        type: 18,
        value: Uint8Array.of(10, 0, ...ipv6(0xfe80, 0, 0, 0, 0, 0, 0, 1)),
      }, by]),
      route(inet6, 0, {}, [{ type: 5, value: ipv6(0xfe80, 0, 0, 0, 0, 0, 0, 1) }, by]),
    ),
    [
      {
        destination: parsePrefix("0.0.0.0/0"),
        ...{ table: 3150, metric: 5, protocol: 80, ours: true, multipath: false },
        hop: { ...onEth0, via: "10.42.0.1", onlink: true, mtu: 1400 },
      },
      {
        destination: parsePrefix("0.0.0.0/0"),
        ...{ table: "main", metric: 4_294_967_295, protocol: 80, ours: true, multipath: false },
        hop: { kind: "unreachable" },
      },
      { destination: parsePrefix("10.42.0.0/24"), ...theirs, hop: { ...onEth0, source: "10.42.0.5" } },
      { destination: parsePrefix("198.51.100.0/24"), ...theirs, hop: { ...onEth0, via: "10.42.0.2" }, multipath: true },
      { destination: parsePrefix("192.0.2.0/24"), ...theirs, hop: { ...onEth0, via: "inet6 fe80::1" } },
      { destination: parsePrefix("::/0"), ...theirs, hop: { ...onEth0, via: "fe80::1" } },
    ],
  );
});

Deno.test("rules of a whole mark or address that lead to a table", () => {
  const mark = { type: 10, value: u32(0x3150) };
  const leads = (table: number) => [
    { type: 6, value: u32(3150) },
    { type: 14, value: u32(0xffffffff) },
    { type: 15, value: u32(table) },
    { type: 21, value: Uint8Array.of(80) },
  ];
  const from = (text: string) => ({ type: 2, value: ipv4(text) });
  const rules = [
    rule(inet, {}, [mark, { type: 16, value: u32(0xffffffff) }, ...leads(3150)]),
    rule(inet, {}, [mark, { type: 14, value: u32(0) }, { type: 6, value: u32(3149) }, { type: 15, value: u32(254) }]),
    rule(inet, { sourceLength: 32 }, [from("10.42.0.5"), ...leads(3151)]),
    rule(inet, { destinationLength: 24 }, [{ type: 1, value: ipv4("172.29.0.0") }, ...leads(254)]),
    rule(inet, {}, [
      { type: 3, value: new TextEncoder().encode("lo\0") },
      { type: 24, value: Uint8Array.of(53, 0, 53, 0) },
      ...leads(3151),
    ]),
    rule(inet, { flags: 2 }, [mark, ...leads(51820)]),
    rule(inet6, {}, leads(3152)),
    rule(inet6, {}, [mark, { type: 16, value: u32(0xff) }, ...leads(9)]),
    rule(inet, { sourceLength: 24 }, [from("10.42.0.0"), ...leads(10)]),
    rule(inet6, { action: 7 }, [mark, ...leads(3150)]),
  ];
  const ours = { priority: 3150, ours: true };
  assert.deepEqual(readDumps({ ...nothing, rules }).rules, [
    { family: 4, ...ours, mark: 0x3150, table: 3150 },
    { family: 4, priority: 3149, mark: 0x3150, table: "main", exceptDefaults: true, ours: false },
    { family: 4, ...ours, from: "10.42.0.5", table: 3151 },
    { family: 4, ...ours, to: parsePrefix("172.29.0.0/24"), table: "main" },
    { family: 4, ...ours, ownToPort: 53, table: 3151 },
    { family: 4, ...ours, mark: 0x3150, table: 51820, inverted: true },
    { family: 6, ...ours, table: 3152 },
  ]);
});

Deno.test("permanent neighbours of IPv4", () => {
  const known = [{ type: 1, value: ipv4("172.29.0.1") }, { type: 2, value: mac }];
  const neighbors = [neighbor(4, 0x80, known), neighbor(4, 0x02, known), neighbor(4, 0x80, known.slice(0, 1))];
  assert.deepEqual(readDumps({ ...nothing, neighbors }).neighbors, [
    { device: "vxlan3150", address: parseIpv4("172.29.0.1"), mac },
  ]);
});
