import assert from "node:assert/strict";
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { parseMac } from "../../../mod/addr/mac.ts";
import { parsePrefix } from "../../../mod/addr/prefix.ts";
import { showChange } from "../../../mod/linux/show_change.ts";
import type { Change } from "../../../mod/netstate/diff.ts";

Deno.test("changes in the words of ip", () => {
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
  const cases: [Change, string][] = [
    [
      { kind: "add link", link },
      "link add name vxlan3150 address 02:78:0a:2a:00:05 mtu 1400 group 80 up type vxlan id 3150 dstport 4789 dev eth0 local 10.42.0.5",
    ],
    [{ kind: "set link", name: "vxlan3150", mtu: 1300 }, "link set dev vxlan3150 mtu 1300 group 80 up"],
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
      { kind: "add rule", rule: { family: 4, priority: 3152, ownToPort: 53, table: 3151 } },
      "rule add priority 3152 from all iif lo dport 53 lookup 3151 protocol 80",
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
  for (const [change, words] of cases) assert.equal(showChange(change), words);
});
