import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { formatMac } from "../../../mod/addr/mac.ts";
import { parsePrefix } from "../../../mod/addr/prefix.ts";
import { ConflictError } from "../../../mod/errors.ts";
import { showChange } from "../../../mod/linux/show_change.ts";
import {
  diff,
  type IpState,
  type Lifetimes,
  type Observed,
  type ObservedLink,
  type ObservedRoute,
} from "../../../mod/netstate/diff.ts";
import { nothing, type Route } from "../../../mod/netstate/state.ts";
import { vxlanLink as tunnel } from "./fixtures.ts";

const there: ObservedLink = {
  name: "vxlan3150",
  index: 4,
  ours: true,
  up: true,
  mac: formatMac(tunnel.mac),
  mtu: 1400,
  ethernet: true,
  kind: "vxlan",
  vxlan: { id: 3150, port: 4789, uplink: "eth0", local: "10.42.0.5", remote: "10.42.0.6" },
};
const bare: Observed = { links: [], addresses: [], routes: [], rules: [], neighbors: [] };

const route = (destination: string, device: string, via?: string): Route => ({
  destination: parsePrefix(destination),
  table: "main",
  metric: 0,
  hop: { kind: "device", device, ...(via === undefined ? {} : { via }) },
});
const unreachable: Route = {
  destination: parsePrefix("0.0.0.0/0"),
  table: "main",
  metric: 4_294_967_295,
  hop: { kind: "unreachable" },
};
const observed = (route: Route, ours: boolean): ObservedRoute => ({
  ...route,
  ours,
  protocol: ours ? 80 : 3,
  multipath: false,
});

function changes(desired: Partial<IpState>, before: Partial<Observed>): string[] {
  return diff({ ...nothing, ...desired }, { ...bare, ...before }).map(showChange);
}

Deno.test("the device, then what closes, then what is on-link, then what goes by way of that, deletes last", () => {
  assert.deepEqual(
    changes({
      links: [tunnel],
      routes: [route("0.0.0.0/0", "vxlan3150", "172.29.0.1"), route("172.29.0.1/32", "vxlan3150"), unreachable],
      exclusive: [{ destination: parsePrefix("0.0.0.0/0"), table: "main" }],
    }, { routes: [observed({ ...route("0.0.0.0/0", "eth0", "10.42.0.1"), metric: 9 }, false)] }),
    [
      "link add name vxlan3150 address 02:78:0a:2a:00:05 mtu 1400 group 80 up type vxlan id 3150 dstport 4789 dev eth0 " +
      "local 10.42.0.5 remote 10.42.0.6 nolearning",
      "route add unreachable 0.0.0.0/0 table main metric 4294967295 proto 80",
      "route add 172.29.0.1/32 dev vxlan3150 table main metric 0 proto 80",
      "route add 0.0.0.0/0 via 172.29.0.1 dev vxlan3150 table main metric 0 proto 80",
      "route delete 0.0.0.0/0 via 10.42.0.1 dev eth0 table main metric 9 proto 3",
    ],
  );
});

Deno.test("what others made stays, but where only ours may lead", () => {
  const theirs = [
    observed(route("0.0.0.0/0", "eth0", "10.42.0.1"), false),
    observed(route("10.0.0.0/8", "eth0"), false),
  ];
  assert.deepEqual(changes({ routes: [route("10.0.0.0/8", "eth0", "10.42.0.1")] }, { routes: theirs }), []);
  assert.deepEqual(
    changes({
      routes: [route("0.0.0.0/0", "vxlan3150", "172.29.0.1")],
      exclusive: [{ destination: parsePrefix("0.0.0.0/0"), table: "main" }],
    }, { routes: theirs }),
    ["route replace 0.0.0.0/0 via 172.29.0.1 dev vxlan3150 table main metric 0 proto 80"],
  );
});

Deno.test("IPv6 takes metric 0 for 1024, and has tables and rules of its own", () => {
  const wanted = route("2001:db8::/32", "eth0");
  assert.deepEqual(changes({ routes: [wanted] }, { routes: [observed({ ...wanted, metric: 1024 }, true)] }), []);
  const rule = { priority: 3150, mark: 0x3150, table: 3150 };
  assert.equal(
    changes({ rules: [{ ...rule, family: 6 }] }, { rules: [{ ...rule, family: 4, ours: true }] }).length,
    2,
  );
});

Deno.test("a device made anew takes all that stood on it along", () => {
  const onIt = {
    addresses: [{ device: "vxlan3150", family: 4, address: "172.29.0.20", prefixLength: 24, scope: "global" }],
    routes: [observed(route("172.29.0.1/32", "vxlan3150"), true)],
    neighbors: [{ device: "vxlan3150", address: parseIpv4("172.29.0.1"), mac: tunnel.mac }],
  } as const;
  const wanted = {
    links: [{ ...tunnel, port: 4790 }],
    addresses: [{ device: "vxlan3150", address: parseIpv4("172.29.0.20"), prefixLength: 24 }],
    routes: [route("172.29.0.1/32", "vxlan3150")],
    neighbors: onIt.neighbors,
  };
  assert.deepEqual(changes({ ...wanted, links: [tunnel] }, { links: [there], ...onIt }), []);
  assert.deepEqual(
    changes(wanted, { links: [there], ...onIt }).map((line) => line.split(" ").slice(0, 2).join(" ")),
    ["link delete", "link add", "address replace", "route add", "neighbor replace"],
  );
  assert.deepEqual(changes({}, { links: [there], ...onIt }), ["link delete dev vxlan3150"]);
});

Deno.test("the other end of a device is changed in place, but neither taken away nor added", () => {
  const elsewhere = { ...tunnel, remote: parseIpv4("10.42.0.7"), mtu: 1300 };
  assert.deepEqual(changes({ links: [elsewhere] }, { links: [there] }), [
    "link set dev vxlan3150 mtu 1300 group 80 up; link set dev vxlan3150 type vxlan remote 10.42.0.7",
  ]);
  const { remote: _, ...without } = tunnel;
  assert.equal(changes({ links: [without] }, { links: [there] })[0], "link delete dev vxlan3150");
});

Deno.test("the last address takes the device's routes along, one of two does not", () => {
  const address = (text: string) =>
    ({ device: "vxlan3150", family: 4, address: text, prefixLength: 24, scope: "global" }) as const;
  const before = { links: [there], routes: [observed(route("172.29.0.1/32", "vxlan3150"), true)] };
  const wanted = { links: [tunnel], routes: [route("172.29.0.1/32", "vxlan3150")] };
  assert.deepEqual(changes(wanted, { ...before, addresses: [address("172.29.0.20")] }), [
    "address delete 172.29.0.20/24 dev vxlan3150",
    "route add 172.29.0.1/32 dev vxlan3150 table main metric 0 proto 80",
  ]);
  const kept = { device: "vxlan3150", address: parseIpv4("172.29.0.21"), prefixLength: 24 };
  const two = [address("172.29.0.20"), address("172.29.0.21")];
  assert.deepEqual(changes({ ...wanted, addresses: [kept] }, { ...before, addresses: two }), [
    "address delete 172.29.0.20/24 dev vxlan3150",
  ]);
});

Deno.test("seconds left: every one that was asked for is set, and a few may have gone by since", () => {
  const seconds = (wanted: number | undefined, left: number | undefined, lifetimes?: Lifetimes) => {
    const at = { device: "vxlan3150", prefixLength: 24 };
    const lasting = (validSeconds: number | undefined) => validSeconds === undefined ? {} : { validSeconds };
    const desired = [{ ...at, address: parseIpv4("172.29.0.20"), ...lasting(wanted) }];
    const addresses = [{ ...at, family: 4, address: "172.29.0.20", scope: "global", ...lasting(left) } as const];
    const observed = { ...bare, links: [there], addresses };
    return diff({ ...nothing, links: [tunnel], addresses: desired }, observed, lifetimes).length;
  };
  for (const [wanted, left] of [[3, 2], [3, 1], [200, 181], [201, 200]]) {
    assert.equal(seconds(wanted, left, "exact"), 1, `${wanted} are asked for, ${left} are left`);
    assert.equal(seconds(wanted, left, "about"), 0, `${wanted} were asked for, ${left} are left`);
  }
  for (const [wanted, left] of [[5, 2], [200, 179], [200, 221], [200, undefined], [undefined, 200]]) {
    assert.equal(seconds(wanted, left), 1, `${wanted} and ${left}`);
  }
  for (const lifetimes of ["exact", "about"] as const) {
    assert.equal(seconds(200, 200, lifetimes), 0);
    assert.equal(seconds(undefined, undefined, lifetimes), 0);
  }
});

Deno.test("a device of someone else's: what differs, and the remedy; the same settings are taken over", () => {
  const theirs = { ...there, ours: false };
  const refused = (link: ObservedLink, message: string) =>
    assert.throws(
      () => changes({ links: [tunnel] }, { links: [link] }),
      (error) => error instanceof ConflictError && error.message === message,
    );
  refused(
    { ...theirs, vxlan: { id: 7, port: 8472, uplink: "eth0", local: "10.42.0.5" } },
    "there is a device 'vxlan3150' that pgw did not make and that differs (id is 7 instead of 3150, port is 8472 instead " +
      "of 4789, remote is not set instead of 10.42.0.6): remove it with 'ip link delete vxlan3150', or choose another " +
      "name with PGW_VXLAN_DEVICE",
  );
  refused(
    { ...theirs, name: "vxlan0" },
    "the device 'vxlan0', which pgw did not make, has VXLAN id 3150 on port 4789: remove it with 'ip link delete vxlan0', " +
      "or choose another id with PGW_VXLAN_ID",
  );
  assert.deepEqual(changes({ links: [tunnel] }, { links: [theirs] }), ["link set dev vxlan3150 group 80 up"]);
});
