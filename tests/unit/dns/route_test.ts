import assert from "node:assert/strict";
import fc from "fast-check";
import { parsePrefix } from "../../../mod/addr/prefix.ts";
import { clusterZones, reverseZones, RouteTable } from "../../../mod/dns/route.ts";
import { Routing } from "../../../mod/dns/routing.ts";
import { lookupQuestion } from "../../../mod/dns/lookup.ts";
import { parseType } from "../../../mod/dns/presentation.ts";
import { formatName, nameToWire, Query, readQuery } from "../../../mod/wire/dns.ts";
import { config } from "./dialogue.ts";

/** What a question for `name` would find. */
function findName<Value>(table: RouteTable<Value>, name: string): Value {
  const wire = Array.from(nameToWire(name)!, (character) => character.charCodeAt(0));
  return table.find(Uint8Array.of(...Array<number>(12).fill(0), ...wire), 12 + wire.length);
}

Deno.test("the longest zone wins, the first of equals stays", () => {
  const table = new RouteTable("outside");
  table.add("corp.example.com.", "corp");
  table.add("Example.com", "example");
  table.add("example.com", "second");
  table.add("not..a.name", "never");
  const find = (name: string) => findName(table, name);
  assert.equal(find("a.b.corp.example.com"), "corp");
  assert.equal(find("corp.example.com"), "corp");
  assert.equal(find("xcorp.example.com"), "example");
  assert.equal(find("example.com"), "example");
  assert.equal(find("com"), "outside");
  assert.equal(find("."), "outside");
  table.add(".", "everything");
  assert.equal(find("com"), "everything");
});

Deno.test("reverse zones", () => {
  const zones = (network: string) => reverseZones(parsePrefix(network));
  assert.deepEqual(zones("10.0.0.0/8"), ["10.in-addr.arpa"]);
  assert.deepEqual(zones("192.168.0.0/16"), ["168.192.in-addr.arpa"]);
  assert.deepEqual(zones("172.16.0.0/14"), ["16", "17", "18", "19"].map((octet) => `${octet}.172.in-addr.arpa`));
  assert.deepEqual(zones("10.1.2.3/32"), ["3.2.1.10.in-addr.arpa"]);
  assert.deepEqual(zones("fd00::/8"), ["d.f.ip6.arpa"]);
  assert.deepEqual(zones("fe80::/10"), ["8", "9", "a", "b"].map((nibble) => `${nibble}.e.f.ip6.arpa`));
  assert.deepEqual(zones("0.0.0.0/0"), ["in-addr.arpa"]);
});

Deno.test("property: an address's reverse name is in the reverse zones of a network that holds it, and in no other's", () => {
  fc.assert(fc.property(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.nat(32), (address, other, length) => {
    const mask = length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
    const table = new RouteTable(false);
    for (const zone of reverseZones({ family: 4, address: (address & mask) >>> 0, length })) table.add(zone, true);
    const name = [0, 8, 16, 24].map((shift) => (other >>> shift) & 0xff).join(".") + ".in-addr.arpa";
    assert.equal(findName(table, name), (other & mask) >>> 0 === (address & mask) >>> 0);
  }));
});

Deno.test("the cluster's zones", () => {
  assert.deepEqual(
    clusterZones({
      clusterDomain: "cluster.local",
      search: ["default.svc.cluster.local", "cluster.local", "lan", "."],
      localCidrs: [parsePrefix("10.0.0.0/8")],
    }),
    ["cluster.local", "default.svc.cluster.local", "lan", "10.in-addr.arpa"],
  );
});

Deno.test("names in wire form and back", () => {
  assert.equal(nameToWire("Web.cluster.local."), "\x03web\x07cluster\x05local\0");
  assert.equal(nameToWire("."), "\0");
  for (const bad of ["a..b", "a b", "x".repeat(64), Array(50).fill("abcdef").join("."), "ü"]) {
    assert.equal(nameToWire(bad), undefined, bad);
  }
  const wire = Uint8Array.of(3, 0x41, 0x2e, 7, 2, 0x62, 0x2d, 0);
  assert.equal(formatName(wire, 0), "a\\046\\007.b-.");
  assert.equal(formatName(Uint8Array.of(0), 0), ".");
});

/** The name of the route that a question takes. */
function routeOf(name: string, type = "A", routes: (typeof config)["routes"] = []): string {
  const question = lookupQuestion(name, 0, parseType(type)!)!;
  const query = new Query();
  readQuery(question, question.length, query);
  return new Routing({ ...config, routes }).find(question, query).name;
}

Deno.test("one label: the outside hears of it in no question that a host could be meant by", () => {
  const ofHosts = ["A", "AAAA", "HTTPS", "SVCB", "MX", "TXT", "SRV", "PTR", "CNAME", "NAPTR", "CAA", "TYPE65400"];
  for (const type of ofHosts) assert.equal(routeOf("web", type), "nobody", type);
  for (const type of ["NS", "SOA", "DS", "DNSKEY"]) assert.equal(routeOf("com", type), "outside", type);
  for (const type of ofHosts) assert.equal(routeOf("example.com", type), "outside", type);
  assert.equal(routeOf(".", "NS"), "outside");
});

Deno.test("Firefox is told to ask this server, unless a route says otherwise", () => {
  assert.equal(routeOf("use-application-dns.net"), "nobody");
  const routes = [{ zone: "use-application-dns.net", servers: "outside" }] as const;
  assert.equal(routeOf("use-application-dns.net", "A", routes), "outside");
});
