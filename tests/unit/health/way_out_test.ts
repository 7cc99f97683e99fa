import assert from "node:assert/strict";
import { parsePrefix } from "../../../mod/addr/prefix.ts";
import { wayOutObstacle } from "../../../mod/health/way_out.ts";
import type { Observed, ObservedLink } from "../../../mod/netstate/diff.ts";

const permissions = "none";

function link(name: string, up = true): ObservedLink {
  return { name, index: 1, ours: name === "vxlan3150", up, mac: "02:00:00:00:00:01", mtu: 1400, ethernet: true };
}

function route(destination: string, device: string) {
  const hop = { kind: "device", device } as const;
  return {
    destination: parsePrefix(destination),
    table: "main",
    metric: 0,
    hop,
    ours: false,
    protocol: 4,
    multipath: false,
  } as const;
}

function address(device: string, text: string, family: 4 | 6 = 4) {
  return { device, family, address: text, prefixLength: 24, scope: "global" };
}

const whole: Observed = {
  links: [link("lo"), link("eth0"), link("vxlan3150"), link("tun0")],
  addresses: [address("eth0", "10.42.0.5"), address("tun0", "10.8.0.2")],
  routes: [route("0.0.0.0/0", "eth0"), route("172.29.0.0/24", "vxlan3150"), route("0.0.0.0/1", "tun0")],
  rules: [],
  neighbors: [],
};

const cases: readonly [
  name: string,
  change: Partial<Observed>,
  vpnInterface: string | undefined,
  obstacle: RegExp | undefined,
][] = [
  ["any route but the overlay's is a way out", {}, undefined, undefined],
  [
    "the overlay's own is none",
    { routes: [route("172.29.0.0/24", "vxlan3150"), route("127.0.0.0/8", "lo")] },
    undefined,
    /no route but the overlay's/,
  ],
  ["IPv6 alone is none", { routes: [route("::/0", "eth0")] }, undefined, /no route/],
  ["a VPN with all that it needs", {}, "tun0", undefined],
  ["a VPN that is not there", { links: [link("eth0")] }, "tun0", /^there is no interface 'tun0'/],
  ["a VPN that is down", { links: [link("tun0", false)] }, "tun0", /'tun0' is down/],
  ["a VPN without an address", { addresses: [address("eth0", "10.42.0.5")] }, "tun0", /'tun0' has no IPv4 address/],
  ["a VPN with IPv6 alone", { addresses: [address("tun0", "fd00::2", 6)] }, "tun0", /'tun0' has no IPv4 address/],
  ["a VPN to which no route leads", { routes: [route("0.0.0.0/0", "eth0")] }, "tun0", /no route leads to .*'tun0'/],
];

for (const [name, change, vpnInterface, obstacle] of cases) {
  Deno.test(`way out: ${name}`, { permissions }, () => {
    const told = wayOutObstacle({ ...whole, ...change }, "vxlan3150", vpnInterface);
    if (obstacle === undefined) assert.equal(told, undefined);
    else assert.match(told ?? "none", obstacle);
  });
}
