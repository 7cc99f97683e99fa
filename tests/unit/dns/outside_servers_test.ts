import assert from "node:assert/strict";
import { outsideServers } from "../../../mod/dns/outside_servers.ts";

const cluster = { clusterServers: ["10.43.0.10", "[fd00::a]:53"] };
const kubelets = ["10.43.0.10"];

Deno.test("without a VPN's interface, what /etc/resolv.conf names is what the user has", () => {
  assert.deepEqual(
    outsideServers({ ...cluster, upstreams: undefined, nameservers: kubelets, hasVpn: false }),
    kubelets,
  );
});

Deno.test("with a VPN's interface, a server of the cluster's is asked about nothing outside, however it is written", () => {
  const choose = (...nameservers: string[]) =>
    outsideServers({ ...cluster, upstreams: undefined, nameservers, hasVpn: true });
  assert.deepEqual(choose("10.43.0.10"), []);
  assert.deepEqual(choose("10.8.0.1", "10.43.0.10", "FD00:0::A", "2001:db8::53"), ["10.8.0.1", "2001:db8::53"]);
});

Deno.test("unless the user says so", () => {
  assert.deepEqual(
    outsideServers({ ...cluster, upstreams: kubelets, nameservers: ["10.8.0.1"], hasVpn: true }),
    kubelets,
  );
});
