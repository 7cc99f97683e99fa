import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { parsePrefix } from "../../../mod/addr/prefix.ts";
import { findChangedUplink, findUplink, UplinkError } from "../../../mod/linux/uplink.ts";
import type { Observed, ObservedLink, ObservedRoute } from "../../../mod/netstate/diff.ts";
import { mtuTowards } from "../../../mod/netstate/uplink.ts";

const link = (name: string, ethernet = true, ours = false): ObservedLink => ({
  name,
  index: 1,
  ours,
  up: true,
  mac: "02:00:00:00:00:05",
  mtu: 1450,
  ethernet,
});

function route(destination: string, device: string, via?: string, other: Partial<ObservedRoute> = {}): ObservedRoute {
  return {
    destination: parsePrefix(destination),
    table: "main",
    metric: 0,
    hop: { kind: "device", device, ...(via === undefined ? {} : { via }) },
    ours: false,
    protocol: 3,
    multipath: false,
    ...other,
  };
}

const pod: Observed = {
  links: [{ ...link("lo", false), mtu: 65_536 }, link("eth0"), link("eth1"), link("tun0", false)],
  addresses: [
    { device: "lo", family: 4, address: "127.0.0.1", prefixLength: 8, scope: "host" },
    { device: "eth0", family: 4, address: "10.42.0.5", prefixLength: 24, scope: "global" },
    { device: "eth0", family: 6, address: "2001:db8::5", prefixLength: 64, scope: "global" },
    { device: "eth0", family: 6, address: "fe80::5", prefixLength: 64, scope: "link" },
    { device: "eth1", family: 4, address: "192.168.9.5", prefixLength: 24, scope: "global" },
    { device: "tun0", family: 4, address: "10.8.0.2", prefixLength: 24, scope: "global" },
  ],
  routes: [
    route("0.0.0.0/0", "eth0", "10.42.0.1"),
    route("::/0", "eth0", "fe80::1"),
    route("10.42.0.0/24", "eth0"),
    route("192.168.9.0/24", "eth1"),
  ],
  rules: [],
  neighbors: [],
};

const expected = {
  device: "eth0",
  mtu: 1450,
  address: parseIpv4("10.42.0.5"),
  ownAddresses: ["127.0.0.1", "10.42.0.5", "192.168.9.5", "10.8.0.2"].map(parseIpv4),
  addresses6: ["2001:db8::5"],
  routes: [
    { destination: parsePrefix("10.42.0.0/24") },
    { destination: parsePrefix("0.0.0.0/0"), via: parseIpv4("10.42.0.1") },
  ],
  default6: { via: "fe80::1" },
};

Deno.test("the interface of the default route, with its own addresses and routes", () => {
  assert.deepEqual(findUplink(pod), expected);
});

Deno.test("after an earlier run: the default route kept in our table counts, ours in main does not", () => {
  const moved = { ours: true, protocol: 80 };
  const routes = [
    route("0.0.0.0/0", "eth0", "10.42.0.1", { ...moved, table: 3150 }),
    route("::/0", "eth0", "fe80::1", { ...moved, table: 3150 }),
    route("0.0.0.0/0", "vxlan3150", "172.29.0.1", moved),
    route("10.0.0.0/8", "eth0", "10.42.0.1", moved),
    route("10.42.0.0/24", "eth0"),
  ];
  assert.deepEqual(findUplink({ ...pod, links: [...pod.links, link("vxlan3150", true, true)], routes }), expected);
});

Deno.test("a route's own MTU stays with it, and the default route's is what fits where it is below the device's", () => {
  const hop = (via: string, mtu: number) => ({ hop: { kind: "device", device: "eth0", via, mtu } }) as const;
  const routes = [
    route("0.0.0.0/0", "eth0", "", hop("10.42.0.1", 1400)),
    route("10.0.0.0/8", "eth0", "", hop("10.42.0.1", 1300)),
    route("::/0", "eth0", "", hop("fe80::1", 1400)),
  ];
  const found = findUplink({ ...pod, routes });
  assert.equal(found.mtu, 1400);
  assert.deepEqual(["10.43.0.1", "172.20.1.6"].map(parseIpv4).map((address) => mtuTowards(found, address)), [
    1300,
    1400,
  ]);
  assert.deepEqual(found.routes.map(({ mtu }) => mtu), [1300, 1400]);
  assert.deepEqual(found.default6, { via: "fe80::1", mtu: 1400 });
  const larger = [route("0.0.0.0/0", "eth0", "", hop("10.42.0.1", 9000))];
  assert.equal(findUplink({ ...pod, routes: larger }).mtu, 1450);
});

Deno.test("the default route that the kernel would take; one of main before the one that was kept", () => {
  const routes = [
    route("0.0.0.0/0", "eth0", "10.42.0.9", { table: 3150, ours: true }),
    route("0.0.0.0/0", "eth1", "192.168.9.1", { metric: 200 }),
    route("0.0.0.0/0", "eth0", "10.42.0.3", { metric: 100 }),
    route("0.0.0.0/0", "eth0", "10.42.0.2", { metric: 50 }),
  ];
  const uplink = findUplink({ ...pod, routes });
  assert.equal(uplink.device, "eth0");
  assert.deepEqual(uplink.routes[0], { destination: parsePrefix("0.0.0.0/0"), via: parseIpv4("10.42.0.2") });
});

Deno.test("an uplink in use: what is new in main is its own, what was there and is missing is kept elsewhere", () => {
  const before = findUplink(pod);
  const kept = { ours: true, protocol: 80, table: 3150 };
  const routes = [
    route("0.0.0.0/0", "vxlan3150", "172.29.0.1", { ours: true, protocol: 80 }),
    route("0.0.0.0/0", "eth0", "10.42.0.1", kept),
    route("::/0", "eth0", "fe80::1", kept),
    route("10.42.0.0/24", "eth0"),
  ];
  const changed = (more: Partial<Observed>) => findChangedUplink({ ...pod, routes, ...more }, before);
  assert.equal(changed({}), undefined);
  const others = [route("0.0.0.0/0", "eth1", "192.168.9.1"), route("::/0", "eth0", "fe80::bad", { protocol: 9 })];
  assert.equal(changed({ routes: [...routes, ...others] }), undefined, "another interface's, and an advertised one");
  assert.equal(changed({ routes: [...routes, route("0.0.0.0/0", "eth0")] }), undefined, "it leads to no router");
  assert.equal(changed({ addresses: [], routes: [] }), undefined, "it has no address at present");
  assert.equal(changed({ links: [{ ...link("eth0"), up: false }], routes: [] }), undefined, "it is down");

  const router = { kind: "device", device: "eth0", via: "10.42.0.254", mtu: 1400 } as const;
  const another = [...routes, route("0.0.0.0/0", "eth0", "", { metric: 100, hop: router })];
  const [onLink] = before.routes;
  const default4 = { destination: parsePrefix("0.0.0.0/0"), via: parseIpv4("10.42.0.254"), mtu: 1400 };
  assert.deepEqual(changed({ routes: another }), { ...before, mtu: 1400, routes: [onLink, default4] });
  const private6 = { device: "eth0", family: 6, address: "2001:db8::77", prefixLength: 64, scope: "global" } as const;
  assert.deepEqual(changed({ addresses: [...pod.addresses, private6] }), {
    ...before,
    addresses6: ["2001:db8::5", "2001:db8::77"],
  });
});

Deno.test("a VPN's default route does not make its device the Pod's own", () => {
  const routes = [
    route("0.0.0.0/0", "tun0", undefined, { metric: 0 }),
    route("0.0.0.0/0", "eth0", "10.42.0.1", { metric: 5 }),
  ];
  assert.equal(findUplink({ ...pod, routes }).device, "eth0");
});

Deno.test("the VPN's interface is not the Pod's own, whatever it is made of and whatever its metric", () => {
  const routes = [
    route("0.0.0.0/0", "eth1", undefined, { metric: 0 }),
    route("0.0.0.0/0", "eth0", "10.42.0.1", { metric: 100 }),
  ];
  assert.equal(findUplink({ ...pod, routes }).device, "eth1");
  assert.equal(findUplink({ ...pod, routes }, undefined, "eth1").device, "eth0");
});

Deno.test("a VPN that replaced the default route: the Pod's own interface is the only other one that is routed", () => {
  const replaced = [route("0.0.0.0/0", "tun0"), route("10.8.0.0/24", "tun0"), route("10.42.0.0/24", "eth0")];
  for (const routes of [replaced, replaced.slice(1)]) {
    const { device, address, routes: own } = findUplink({ ...pod, routes }, undefined, "tun0");
    assert.deepEqual([device, address], [expected.device, expected.address]);
    assert.deepEqual(own, [{ destination: parsePrefix("10.42.0.0/24") }]);
  }
});

Deno.test("or, of several, the one that the tunnel is on", () => {
  const routes = [route("0.0.0.0/0", "tun0"), route("10.42.0.0/24", "eth0"), route("192.168.9.0/24", "eth1")];
  const find = (uplink?: string) => {
    const vxlan = { id: 3150, port: 4789, ...(uplink === undefined ? {} : { uplink }) };
    const links = [...pod.links, { ...link("vxlan3150", true, true), vxlan }];
    return findUplink({ ...pod, links, routes }, undefined, "tun0").device;
  };
  assert.equal(find("eth0"), "eth0");
  assert.equal(find("eth1"), "eth1");
  for (const gone of ["tun0", "if7", undefined]) assert.throws(() => find(gone), /no default route but the VPN's/);
});

Deno.test("an interface by name, with or without a default route", () => {
  assert.equal(findUplink(pod, "eth1").device, "eth1");
  assert.deepEqual(findUplink(pod, "eth1").routes, [{ destination: parsePrefix("192.168.9.0/24") }]);
  assert.equal("default6" in findUplink(pod, "eth1"), false);
});

Deno.test("what cannot be an uplink is refused with what there is", () => {
  const refused = (pattern: RegExp) => (error: unknown) => error instanceof UplinkError && pattern.test(error.message);
  assert.throws(() => findUplink({ ...pod, routes: [] }), refused(/no default route.*PGW_INTERFACE.*eth0, eth1/));
  assert.throws(() => findUplink(pod, "eth7"), refused(/no interface 'eth7'.*eth0, eth1/));
  assert.throws(() => findUplink({ ...pod, addresses: [] }), refused(/'eth0' has no IPv4 address/));
});
