import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { formatPrefix, parsePrefix } from "../../../mod/addr/prefix.ts";
import { rebindingNetworks } from "../../../mod/dns/rebinding.ts";

function networks(podAddress: string, podRoutes: string[], clusterServers: string[]): string[] {
  return rebindingNetworks({
    overlay: parsePrefix("172.29.0.0/24"),
    podAddress: parseIpv4(podAddress),
    podRoutes: podRoutes.map(parsePrefix),
    localCidrs: ["192.168.0.0/16", "10.0.0.0/8", "fd00::/8"].map(parsePrefix),
    clusterServers,
  }).map(formatPrefix);
}

Deno.test("protected are the tunnel's network, the Pod's, and the local ones in which the cluster is seen", () => {
  assert.deepEqual(networks("10.42.0.5", ["0.0.0.0/0", "10.42.0.0/24"], ["10.43.0.10"]), [
    "172.29.0.0/24",
    "10.42.0.0/24",
    "10.42.0.5/32",
    "10.43.0.10/32",
    "10.0.0.0/8",
  ]);
});

Deno.test("where the Pod's routes name no network of Pods, as with Calico", () => {
  assert.deepEqual(networks("192.168.7.5", ["0.0.0.0/0", "169.254.1.1/32"], ["fd00:43::a"]), [
    "172.29.0.0/24",
    "169.254.1.1/32",
    "192.168.7.5/32",
    "fd00:43::a/128",
    "192.168.0.0/16",
    "fd00::/8",
  ]);
});
