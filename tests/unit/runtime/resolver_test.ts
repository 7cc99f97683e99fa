import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { addressesInHosts, candidateNames, resolveName } from "../../../mod/runtime/resolver.ts";

const search = ["vpn.svc.cluster.local", "svc.cluster.local.", "."];

Deno.test("resolver: names in the order of resolv.conf(5)", () => {
  assert.deepEqual(candidateNames("gateway", { search, ndots: 5 }), [
    "gateway.vpn.svc.cluster.local",
    "gateway.svc.cluster.local",
    "gateway",
  ]);
  assert.deepEqual(candidateNames("gateway.vpn.svc.cluster.local", { search: ["example.com"], ndots: 2 }), [
    "gateway.vpn.svc.cluster.local",
    "gateway.vpn.svc.cluster.local.example.com",
  ]);
  assert.deepEqual(candidateNames("gateway.vpn", { search: ["example.com"], ndots: 1 })[0], "gateway.vpn");
  assert.deepEqual(candidateNames("gateway.vpn.", { search, ndots: 5 }), ["gateway.vpn"]);
  assert.deepEqual(candidateNames("gateway", { search: [], ndots: 1 }), ["gateway"]);
});

const hosts = `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost
10.42.1.6  Gateway.VPN  gateway  # a comment with other
10.42.1.7 gateway
fe80::1 six
300.1.1.1 wrong
`;

Deno.test("resolver: the IPv4 addresses of a name in a hosts(5) file", () => {
  const found = (name: string) => addressesInHosts(hosts, name);
  assert.deepEqual(found("gateway"), [parseIpv4("10.42.1.6"), parseIpv4("10.42.1.7")]);
  assert.deepEqual(found("gateway.vpn."), [parseIpv4("10.42.1.6")]);
  assert.deepEqual(found("GATEWAY.vpn"), [parseIpv4("10.42.1.6")]);
  for (const name of ["six", "wrong", "other", "10.42.1.6", "", "#"]) assert.deepEqual(found(name), [], name);
});

Deno.test("resolver: a name in the hosts file needs no nameserver; without either it says what is missing", async () => {
  const config = { nameservers: [], search, ndots: 5, hosts };
  assert.deepEqual(await resolveName("gateway", config), [parseIpv4("10.42.1.6"), parseIpv4("10.42.1.7")]);
  await assert.rejects(resolveName("other", config), /resolv\.conf names no IPv4 nameserver/);
});
