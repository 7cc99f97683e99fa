import assert from "node:assert/strict";
import { formatPrefix, parsePrefix } from "../../../mod/addr/prefix.ts";
import type { Observed, ObservedRoute, ObservedRule } from "../../../mod/netstate/diff.ts";
import { findVpn } from "../../../mod/netstate/vpn_endpoint.ts";
import type { RouteTable } from "../../../mod/netstate/state.ts";
import { uplink } from "./fixtures.ts";

function route(text: string, device: string, via?: string, table: RouteTable = "main", metric = 0): ObservedRoute {
  const hop = { kind: "device", device, ...(via === undefined ? {} : { via }) } as const;
  return { destination: parsePrefix(text), table, metric, hop, ours: false, protocol: 3, multipath: false };
}

const router = "10.42.0.1";
const pods = [route("0.0.0.0/0", "eth0", router), route("10.42.0.0/24", "eth0"), route("10.42.0.1/32", "eth0")];
const halves = [route("0.0.0.0/1", "tun0", "10.8.0.1"), route("128.0.0.0/1", "tun0", "10.8.0.1")];
const server = route("198.51.100.1/32", "eth0", router);
const marked: ObservedRule = { family: 4, priority: 101, mark: 0xca6c, table: 51_820, inverted: true, ours: false };
const marksDefault = route("0.0.0.0/0", "tun0", undefined, 51_820);

function found(routes: readonly ObservedRoute[], rules: readonly ObservedRule[] = [], up = true): string {
  const link = { name: "tun0", index: 3, ours: false, up, mac: "", mtu: 1500, ethernet: false, kind: "tun" };
  const observed: Observed = { links: [link], addresses: [], routes, rules, neighbors: [] };
  const vpn = findVpn(observed, uplink, "tun0");
  return vpn === undefined ? "nothing" : [...vpn.addresses.map(formatPrefix), ...vpn.marks].join(" ");
}

Deno.test("a VPN's connection is what it leaves out of what it takes", { permissions: "none" }, () => {
  assert.equal(found([...pods, ...halves, server]), "198.51.100.1/32", "OpenVPN: redirect-gateway def1");
  const first = route("0.0.0.0/0", "tun0", "10.8.0.1");
  assert.equal(
    found([route("0.0.0.0/0", "eth0", router, "main", 100), first, server]),
    "198.51.100.1/32",
    "a default route",
  );
  assert.equal(found([...pods, marksDefault], [marked]), "51820", "wg-quick and gluetun");
  const server6 = route("2001:db8::1/128", "eth0", "fe80::1");
  assert.equal(found([...pods, ...halves, server6]), "2001:db8::1/128", "a server that is reached by IPv6");
});

Deno.test("a VPN that does not stand, or does not take everything, shows nothing", { permissions: "none" }, () => {
  assert.equal(found(pods), "nothing");
  assert.equal(found([...pods, ...halves, server], [], false), "nothing", "it is down");
  assert.equal(found([...pods, ...halves]), "nothing", "it leaves its connection out by other means");
  assert.equal(found([...pods, halves[0]!, server]), "nothing", "a half of the world");
  assert.equal(found([...pods, server, route("10.9.0.0/16", "tun0")]), "nothing", "a host that is routed by somebody");
  assert.equal(
    found([...pods, server, route("0.0.0.0/0", "tun0", undefined, "main", 4000)]),
    "nothing",
    "second to the Pod's",
  );
  const { inverted: _, ...plain } = marked;
  assert.equal(found([...pods, marksDefault], [plain]), "nothing", "marked packets go into it");
  assert.equal(found(pods, [marked]), "nothing", "its table is empty");
});
