import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { parseMac } from "../../../mod/addr/mac.ts";
import { parsePrefix } from "../../../mod/addr/prefix.ts";
import { familyOf, parseObserved, renderChange } from "../../../mod/linux/ip.ts";
import type { Change } from "../../../mod/netstate/diff.ts";

/** As `ip` 6.1 prints it, shortened by what is not read. */
const links = [
  { ifindex: 1, ifname: "lo", flags: ["LOOPBACK", "UP"], mtu: 65536, link_type: "[772]", address: "00:00:00:00:00:00" },
  { ifindex: 2, link: null, ifname: "eth0", flags: ["UP"], mtu: 1450, link_type: "[1]", address: "02:00:00:00:00:05" },
  {
    ifindex: 4,
    ifname: "vxlan3150",
    flags: ["BROADCAST"],
    mtu: 1400,
    link_type: "[1]",
    address: "02:78:0a:2a:00:05",
    linkinfo: {
      info_kind: "vxlan",
      info_data: { id: 3150, remote: "10.42.0.6", local: "10.42.0.5", link: "eth0", port: 4789, learning: false },
    },
    ifalias: "pgw",
  },
  {
    ifindex: 5,
    ifname: "tun0",
    flags: ["NOARP", "UP"],
    mtu: 1500,
    link_type: "[65534]",
    linkinfo: { info_kind: "tun" },
  },
];
const addresses4 = [{
  ifname: "vxlan3150",
  addr_info: [{ family: "inet", local: "172.29.0.20", prefixlen: 24, scope: "0", valid_life_time: 100 }],
}];
const addresses6 = [{
  ifname: "eth0",
  addr_info: [
    { family: "inet6", local: "2001:db8::5", prefixlen: 64, scope: "0", valid_life_time: 4294967295 },
    { family: "inet6", local: "fe80::5", prefixlen: 64, scope: "253", valid_life_time: 4294967295 },
  ],
}];
const routes4 = [
  {
    type: "1",
    dst: "default",
    gateway: "10.42.0.1",
    dev: "eth0",
    table: "3150",
    protocol: "80",
    scope: "0",
    metric: 5,
    flags: ["onlink"],
    metrics: [{ mtu: 1400 }],
  },
  { type: "7", dst: "default", table: "254", protocol: "80", scope: "0", metric: 4294967295, flags: [] },
  {
    type: "1",
    dst: "10.42.0.0/24",
    dev: "eth0",
    table: "254",
    protocol: "2",
    scope: "253",
    prefsrc: "10.42.0.5",
    flags: [],
  },
  { type: "1", dst: "203.0.113.7", dev: "eth0", table: "254", protocol: "3", scope: "253", flags: [] },
  { type: "2", dst: "10.42.0.5", dev: "eth0", table: "255", protocol: "2", scope: "254", flags: [] },
  { type: "6", dst: "192.0.2.0/24", table: "254", protocol: "3", scope: "0", flags: [] },
  {
    type: "1",
    dst: "198.51.100.0/24",
    table: "254",
    protocol: "4",
    scope: "0",
    flags: [],
    nexthops: [{ gateway: "10.42.0.2", dev: "eth0", weight: 1, flags: [] }, {
      gateway: "10.42.0.3",
      dev: "eth0",
      weight: 1,
      flags: [],
    }],
  },
];
const routes6 = [
  {
    type: "1",
    dst: "default",
    gateway: "fe80::1",
    dev: "eth0",
    table: "254",
    protocol: "9",
    scope: "0",
    metric: 1024,
    flags: [],
    pref: "medium",
  },
  {
    type: "7",
    dst: "default",
    dev: "lo",
    table: "254",
    protocol: "80",
    scope: "0",
    metric: 4294967295,
    flags: [],
    pref: "medium",
  },
];
const rules4 = [
  { priority: 0, src: "all", table: "255", protocol: "2" },
  { priority: 3150, src: "all", fwmark: "0x3150", table: "3150", protocol: "80" },
  { priority: 3149, src: "all", fwmark: "0x3150", table: "254", suppress_prefixlen: 0, protocol: "80" },
  { priority: 3151, src: "10.42.0.5", table: "3151", protocol: "80" },
  { priority: 50, src: "all", dst: "172.29.0.0", dstlen: 24, table: "254", protocol: "80" },
  { priority: 101, not: null, src: "all", fwmark: "0xca6c", table: "51820", protocol: "3" },
  { priority: 10, src: "10.42.0.0", srclen: 24, table: "10", protocol: "3" },
  { priority: 9, src: "all", fwmark: "0x1", fwmask: "0xff", table: "9", protocol: "3" },
];
const neighbors = [{ dst: "172.29.0.1", dev: "vxlan3150", lladdr: "02:77:ac:1d:00:01", state: ["PERMANENT"] }];

const answers = (...values: unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");
const observed = parseObserved({
  4: answers(links, addresses4, routes4, rules4, neighbors),
  6: answers(addresses6, routes6, []),
});

Deno.test("links: whose they are, and the settings of VXLAN devices", () => {
  assert.deepEqual(observed.links.map(({ name, ours, up, ethernet, kind }) => [name, ours, up, ethernet, kind]), [
    ["lo", false, true, false, undefined],
    ["eth0", false, true, true, undefined],
    ["vxlan3150", true, false, true, "vxlan"],
    ["tun0", false, true, false, "tun"],
  ]);
  assert.deepEqual(observed.links[2]?.vxlan, {
    id: 3150,
    port: 4789,
    uplink: "eth0",
    local: "10.42.0.5",
    remote: "10.42.0.6",
  });
});

Deno.test("addresses of both families, with what is left of their life", () => {
  assert.deepEqual(observed.addresses, [
    { device: "vxlan3150", family: 4, address: "172.29.0.20", prefixLength: 24, scope: "global", validSeconds: 100 },
    { device: "eth0", family: 6, address: "2001:db8::5", prefixLength: 64, scope: "global" },
    { device: "eth0", family: 6, address: "fe80::5", prefixLength: 64, scope: "link" },
  ]);
});

Deno.test("routes: those of the table local and of other types are no concern", () => {
  const theirs = { ours: false, multipath: false };
  const ours = { ours: true, multipath: false, protocol: 80 };
  assert.deepEqual(observed.routes, [
    {
      destination: parsePrefix("0.0.0.0/0"),
      table: 3150,
      metric: 5,
      hop: { kind: "device", device: "eth0", via: "10.42.0.1", onlink: true, mtu: 1400 },
      ...ours,
    },
    { destination: parsePrefix("0.0.0.0/0"), table: "main", metric: 4294967295, hop: { kind: "unreachable" }, ...ours },
    {
      destination: parsePrefix("10.42.0.0/24"),
      table: "main",
      metric: 0,
      hop: { kind: "device", device: "eth0", source: "10.42.0.5" },
      ...theirs,
      protocol: 2,
    },
    {
      destination: parsePrefix("203.0.113.7/32"),
      table: "main",
      metric: 0,
      hop: { kind: "device", device: "eth0" },
      ...theirs,
      protocol: 3,
    },
    {
      destination: parsePrefix("198.51.100.0/24"),
      table: "main",
      metric: 0,
      hop: { kind: "device", device: "eth0", via: "10.42.0.2" },
      ...theirs,
      multipath: true,
      protocol: 4,
    },
    {
      destination: parsePrefix("::/0"),
      table: "main",
      metric: 1024,
      hop: { kind: "device", device: "eth0", via: "fe80::1" },
      ...theirs,
      protocol: 9,
    },
    { destination: parsePrefix("::/0"), table: "main", metric: 4294967295, hop: { kind: "unreachable" }, ...ours },
  ]);
});

Deno.test("rules of a mark or an address, and permanent neighbours", () => {
  assert.deepEqual(observed.rules, [
    { family: 4, priority: 0, table: 255, ours: false },
    { family: 4, priority: 3150, mark: 0x3150, table: 3150, ours: true },
    { family: 4, priority: 3149, mark: 0x3150, table: "main", exceptDefaults: true, ours: true },
    { family: 4, priority: 3151, from: "10.42.0.5", table: 3151, ours: true },
    { family: 4, priority: 50, to: parsePrefix("172.29.0.0/24"), table: "main", ours: true },
    { family: 4, priority: 101, mark: 0xca6c, table: 51820, inverted: true, ours: false },
  ]);
  assert.deepEqual(observed.neighbors, [
    { device: "vxlan3150", address: parseIpv4("172.29.0.1"), mac: parseMac("02:77:ac:1d:00:01") },
  ]);
});

Deno.test("a kernel without IPv6 has none of it", () => {
  const ipv4 = parseObserved({ 4: answers(links, addresses4, routes4, rules4, neighbors) });
  assert.equal(ipv4.routes.some(({ destination }) => destination.family === 6), false);
  assert.equal(ipv4.addresses.some(({ family }) => family === 6), false);
});

Deno.test("changes as lines of ip -batch", () => {
  const mac = parseMac("02:78:0a:2a:00:05");
  const link = {
    name: "vxlan3150",
    id: 3150,
    port: 4789,
    uplink: "eth0",
    local: parseIpv4("10.42.0.5"),
    mac,
    mtu: 1400,
  };
  const route = { destination: parsePrefix("0.0.0.0/0"), table: "main", metric: 0 } as const;
  const via = { kind: "device", device: "eth0", via: "10.42.0.1" } as const;
  const rule = { family: 6, priority: 3150, mark: 0x3150, table: 3150 } as const;
  const neighbor = { device: "vxlan3150", address: parseIpv4("172.29.0.1"), mac };
  const address = { device: "vxlan3150", address: parseIpv4("172.29.0.20"), prefixLength: 24 };
  const cases: [Change, ...string[]][] = [
    [
      { kind: "add link", link },
      "link add name vxlan3150 address 02:78:0a:2a:00:05 mtu 1400 type vxlan id 3150 dstport 4789 dev eth0 local 10.42.0.5",
      "link set dev vxlan3150 alias pgw up",
    ],
    [{ kind: "set link", name: "vxlan3150", mtu: 1300 }, "link set dev vxlan3150 mtu 1300 alias pgw up"],
    [
      { kind: "set address", address },
      "address replace 172.29.0.20/24 dev vxlan3150 valid_lft forever preferred_lft forever",
    ],
    [
      { kind: "add route", route: { ...route, hop: { kind: "unreachable" } } },
      "route add unreachable 0.0.0.0/0 table main metric 0 proto 80",
    ],
    [
      {
        kind: "replace route",
        route: { ...route, table: 3150, hop: { ...via, source: "10.42.0.5", mtu: 1400, onlink: true } },
      },
      "route replace 0.0.0.0/0 via 10.42.0.1 dev eth0 table 3150 metric 0 src 10.42.0.5 mtu 1400 onlink proto 80",
    ],
    [
      { kind: "delete route", route: { ...route, hop: via, ours: false, protocol: 16, multipath: true } },
      "route delete 0.0.0.0/0 table main metric 0 proto 16",
    ],
    [{ kind: "add rule", rule }, "rule add priority 3150 fwmark 0x3150 lookup 3150 protocol 80"],
    [
      { kind: "add rule", rule: { ...rule, table: "main", exceptDefaults: true } },
      "rule add priority 3150 fwmark 0x3150 lookup main suppress_prefixlength 0 protocol 80",
    ],
    [
      { kind: "add rule", rule: { family: 4, priority: 50, to: parsePrefix("172.29.0.0/24"), table: "main" } },
      "rule add priority 50 from all to 172.29.0.0/24 lookup main protocol 80",
    ],
    [
      { kind: "delete rule", rule: { family: 6, priority: 32790, from: "2001:db8::5", table: 3151 } },
      "rule delete priority 32790 from 2001:db8::5 lookup 3151 protocol 80",
    ],
    [
      { kind: "add rule", rule: { family: 6, priority: 32791, table: 3152 } },
      "rule add priority 32791 from all lookup 3152 protocol 80",
    ],
    [
      { kind: "set neighbor", neighbor },
      "neighbor replace 172.29.0.1 lladdr 02:78:0a:2a:00:05 dev vxlan3150 nud permanent",
    ],
    [{ kind: "delete neighbor", neighbor }, "neighbor delete 172.29.0.1 dev vxlan3150"],
  ];
  for (const [change, ...lines] of cases) assert.deepEqual(renderChange(change), lines);
  assert.equal(familyOf({ kind: "add rule", rule }), 6);
  assert.equal(familyOf({ kind: "add link", link }), 4);
});
