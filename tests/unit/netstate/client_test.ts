import assert from "node:assert/strict";
import { clientNetState, type ClientPhase } from "../../../mod/netstate/client.ts";
import { isNest } from "../../../mod/netstate/nest.ts";
import type { NetState } from "../../../mod/netstate/state.ts";
import { config, ip, network4, phases, tunnel, uplink } from "./fixtures.ts";
import { lines, show, showChanges } from "./show.ts";

function stateOf(view: ClientPhase, now = 0): NetState {
  return clientNetState(config, view, now);
}

function golden(title: string, shown: () => string[], text: string): void {
  Deno.test(`client network state: ${title}`, { permissions: "none" }, () => {
    assert.deepEqual(shown(), lines(text));
  });
}

golden(
  "closed, before anything is known: firewall alone, and no word of the uplink",
  () => show(stateOf(phases.closed)),
  `
      chain    v4 nat PGW-INBOUND from PREROUTING
      v4 nat PGW-INBOUND -i vxlan3150 -j RETURN
      v4 nat PGW-INBOUND -i lo -j RETURN
      v4 nat PGW-INBOUND -p tcp --syn -m addrtype --dst-type LOCAL -m conntrack --ctstate NEW -j CONNMARK --set-mark 0x3150
      v4 nat PGW-INBOUND -p udp -m udp --dport 32768:65535 -j RETURN
      v4 nat PGW-INBOUND ! -p tcp -m addrtype --dst-type LOCAL -m conntrack --ctstate NEW -j CONNMARK --set-mark 0x3150
      chain    v4 mangle PGW-OUTPUT from OUTPUT
      v4 mangle PGW-OUTPUT -m connmark --mark 0x3150 -j MARK --set-mark 0x3150
      chain    v4 filter PGW-OUTPUT from OUTPUT
      v4 filter PGW-OUTPUT -o lo -m addrtype --dst-type LOCAL -j RETURN
      v4 filter PGW-OUTPUT ! -o vxlan3150 -m connmark --mark 0x3150 -j RETURN
      v4 filter PGW-OUTPUT ! -o vxlan3150 -p udp -m mark --mark 0x3150 -m udp --dport 53 -j RETURN
      v4 filter PGW-OUTPUT ! -o vxlan3150 -p udp -m udp --dport 53 -j REJECT --reject-with icmp-admin-prohibited
      v4 filter PGW-OUTPUT ! -o vxlan3150 -p tcp -m tcp --dport 53 -j REJECT --reject-with icmp-admin-prohibited
      v4 filter PGW-OUTPUT ! -o vxlan3150 -d 10.0.0.0/8 -j RETURN
      v4 filter PGW-OUTPUT -j REJECT --reject-with icmp-admin-prohibited
      chain    v4 filter PGW-INPUT from INPUT
      v4 filter PGW-INPUT -i vxlan3150 -j DROP
      chain    v4 filter PGW-FORWARD from FORWARD
      v4 filter PGW-FORWARD ! -o vxlan3150 -m connmark --mark 0x3150 -j RETURN
      v4 filter PGW-FORWARD ! -o vxlan3150 -p udp -m udp --dport 53 -j REJECT --reject-with icmp-admin-prohibited
      v4 filter PGW-FORWARD ! -o vxlan3150 -p tcp -m tcp --dport 53 -j REJECT --reject-with icmp-admin-prohibited
      v4 filter PGW-FORWARD ! -o vxlan3150 -d 10.0.0.0/8 -j RETURN
      v4 filter PGW-FORWARD -j REJECT --reject-with icmp-admin-prohibited
      chain    v6 mangle PGW-PREROUTING from PREROUTING
      v6 mangle PGW-PREROUTING -m connmark --mark 0x3150 -m conntrack --ctdir ORIGINAL -j RETURN
      v6 mangle PGW-PREROUTING -i vxlan3150 -j RETURN
      v6 mangle PGW-PREROUTING -i lo -j RETURN
      v6 mangle PGW-PREROUTING -m connmark --mark 0x3150 -m conntrack --ctdir REPLY -j MARK --set-mark 0x3150
      v6 mangle PGW-PREROUTING -p tcp --syn -m addrtype --dst-type LOCAL -m conntrack --ctstate NEW -j CONNMARK --set-mark 0x3150
      v6 mangle PGW-PREROUTING -p udp -m udp --dport 32768:65535 -j RETURN
      v6 mangle PGW-PREROUTING ! -p tcp -m addrtype --dst-type LOCAL -m conntrack --ctstate NEW -j CONNMARK --set-mark 0x3150
      chain    v6 mangle PGW-OUTPUT from OUTPUT
      v6 mangle PGW-OUTPUT -m connmark --mark 0x3150 -j MARK --set-mark 0x3150
      chain    v6 filter PGW-OUTPUT from OUTPUT
      v6 filter PGW-OUTPUT -o lo -j RETURN
      v6 filter PGW-OUTPUT -m connmark --mark 0x3150 -j RETURN
      v6 filter PGW-OUTPUT -p udp -m mark --mark 0x3150 -m udp --dport 53 -j RETURN
      v6 filter PGW-OUTPUT -p ipv6-icmp -m icmp6 --icmpv6-type 133 -j RETURN
      v6 filter PGW-OUTPUT -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j RETURN
      v6 filter PGW-OUTPUT -p ipv6-icmp -m icmp6 --icmpv6-type 136 -j RETURN
      v6 filter PGW-OUTPUT ! -o vxlan3150 -p udp -m udp --dport 53 -j REJECT --reject-with icmp6-adm-prohibited
      v6 filter PGW-OUTPUT ! -o vxlan3150 -p tcp -m tcp --dport 53 -j REJECT --reject-with icmp6-adm-prohibited
      v6 filter PGW-OUTPUT -d fd00::/8 -j RETURN
      v6 filter PGW-OUTPUT -j REJECT --reject-with icmp6-adm-prohibited
      chain    v6 filter PGW-INPUT from INPUT
      v6 filter PGW-INPUT -i vxlan3150 -j DROP
      chain    v6 filter PGW-FORWARD from FORWARD
      v6 filter PGW-FORWARD -m connmark --mark 0x3150 -j RETURN
      v6 filter PGW-FORWARD ! -o vxlan3150 -p udp -m udp --dport 53 -j REJECT --reject-with icmp6-adm-prohibited
      v6 filter PGW-FORWARD ! -o vxlan3150 -p tcp -m tcp --dport 53 -j REJECT --reject-with icmp6-adm-prohibited
      v6 filter PGW-FORWARD -d fd00::/8 -j RETURN
      v6 filter PGW-FORWARD -j REJECT --reject-with icmp6-adm-prohibited
  `,
);

golden(
  "discovering: the default routes move, the candidates may be asked",
  () => showChanges(stateOf(phases.closed), stateOf(phases.discovering)),
  `
      + route    0.0.0.0/0 dev lo metric 4294967294
      + route    ::/0 via fe80::7067:7700:0:3150 dev eth0 table 3152
      + route    0.0.0.0/0 unreachable metric 4294967295 table 3153
      + route    ::/0 unreachable metric 4294967295 table 3153
      + route    0.0.0.0/0 via 10.42.0.1 dev eth0 table 3150
      + route    ::/0 via 2001:db8:42::1 dev eth0 table 3150
      + route    10.0.0.0/8 via 10.42.0.1 dev eth0
      + route    fd00::/8 via 2001:db8:42::1 dev eth0
      + route    172.21.0.80/32 via 10.42.0.1 dev eth0
      + only     0.0.0.0/0 table main
      + only     ::/0 table main
      + rule     v4 priority 3149 mark 0x3150 table main except defaults
      + rule     v4 priority 3150 mark 0x3150 table 3150
      + rule     v4 priority 32791 table 3153
      + rule     v6 priority 3149 mark 0x3150 table main except defaults
      + rule     v6 priority 3150 mark 0x3150 table 3150
      + rule     v6 priority 32791 table 3153
      + rule     v6 priority 32790 from 2001:db8:42::5 table 3152
      + setting  eth0 rp_filter=off accept_local=true
      + v4 filter PGW-OUTPUT ! -o vxlan3150 -d 172.21.0.80/32 -p tcp -m tcp --dport 80 -j RETURN
  `,
);

golden(
  "leasing: a tunnel to one gateway, its MAC pinned, for DHCP, DNS and the probe alone",
  () => showChanges(stateOf(phases.discovering), stateOf(phases.leasing)),
  `
      - route    172.21.0.80/32 via 10.42.0.1 dev eth0
      - v4 filter PGW-OUTPUT ! -o vxlan3150 -d 172.21.0.80/32 -p tcp -m tcp --dport 80 -j RETURN
      + link     vxlan3150 vxlan 3150 port 4789 dev eth0 local 10.42.0.5 remote 172.20.1.6 mac 02:78:0a:2a:00:05 mtu 1400
      + neighbor 172.29.0.1 is 02:77:ac:1d:00:01 dev vxlan3150
      + route    172.20.1.6/32 via 10.42.0.1 dev eth0
      + route    172.29.0.1/32 dev vxlan3150
      + route    172.29.0.1/32 unreachable metric 4294967295
      + setting  vxlan3150 rp_filter=off accept_local=true
      + v4 filter PGW-OUTPUT ! -o vxlan3150 -d 172.20.1.6/32 -p udp -m udp --dport 4789 -j RETURN
      + v4 filter PGW-OUTPUT -o vxlan3150 -d 172.29.0.1/32 -p udp -m udp --dport 67 -j RETURN
      + v4 filter PGW-OUTPUT -o vxlan3150 -d 172.29.0.1/32 -p udp -m udp --dport 53 -j RETURN
      + v4 filter PGW-OUTPUT -o vxlan3150 -d 172.29.0.1/32 -p udp -m udp --dport 3150 -j RETURN
      + v4 filter PGW-INPUT ! -s 172.20.1.6/32 -p udp -m udp --dport 4789 -j DROP
      + v4 filter PGW-INPUT -i vxlan3150 -p udp -m udp --sport 67 --dport 3168 -j RETURN
      + v4 filter PGW-INPUT -i vxlan3150 -s 172.29.0.1/32 -p udp -m udp --sport 53 -j RETURN
      + v4 filter PGW-INPUT -i vxlan3150 -s 172.29.0.1/32 -p udp -m udp --sport 3150 -j RETURN
      + chain    v4 nat PGW-PREROUTING from PREROUTING
      + v4 nat PGW-PREROUTING -i vxlan3150 -p udp -m udp --dport 68 -j DNAT --to-destination 10.42.0.5:3168
  `,
);

golden(
  "verifying: the leased address, which the kernel removes when the lease ends",
  () => showChanges(stateOf(phases.leasing), stateOf(phases.verifying)),
  `
      + address  172.29.0.20/24 dev vxlan3150 for 3600 s
      + route    0.0.0.0/0 via 172.29.0.1 dev vxlan3150 table 3151
      + route    0.0.0.0/0 unreachable metric 4294967295 table 3151
      + rule     v4 priority 3151 from 172.29.0.20 table 3151
  `,
);

golden(
  "open: the default route, the tunnel, and DNS led there",
  () => showChanges(stateOf(phases.verifying), stateOf(phases.open)),
  `
      - v4 filter PGW-OUTPUT ! -o vxlan3150 -d 172.20.1.6/32 -p udp -m udp --dport 4789 -j RETURN
      - v4 filter PGW-OUTPUT -o vxlan3150 -d 172.29.0.1/32 -p udp -m udp --dport 67 -j RETURN
      - v4 filter PGW-OUTPUT -o vxlan3150 -d 172.29.0.1/32 -p udp -m udp --dport 53 -j RETURN
      - v4 filter PGW-OUTPUT -o vxlan3150 -d 172.29.0.1/32 -p udp -m udp --dport 3150 -j RETURN
      - v4 filter PGW-INPUT -i vxlan3150 -p udp -m udp --sport 67 --dport 3168 -j RETURN
      - v4 filter PGW-INPUT -i vxlan3150 -s 172.29.0.1/32 -p udp -m udp --sport 53 -j RETURN
      - v4 filter PGW-INPUT -i vxlan3150 -s 172.29.0.1/32 -p udp -m udp --sport 3150 -j RETURN
      - v4 filter PGW-INPUT -i vxlan3150 -j DROP
      + route    0.0.0.0/0 via 172.29.0.1 dev vxlan3150
      + rule     v4 priority 3152 own to port 53 table 3151
      + v4 filter PGW-OUTPUT -d 172.20.1.6/32 -p udp -m udp --dport 4789 -j RETURN
      + v4 filter PGW-OUTPUT -o vxlan3150 -j RETURN
      + v4 filter PGW-FORWARD -o vxlan3150 -j RETURN
      + v4 filter PGW-FORWARD -i vxlan3150 -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN
      + chain    v4 nat PGW-NESTED-DNS from PREROUTING
      + v4 nat PGW-NESTED-DNS ! -i vxlan3150 -p udp -m udp --dport 53 -m addrtype ! --dst-type LOCAL -j DNAT --to-destination 172.29.0.1:53
      + v4 nat PGW-NESTED-DNS ! -i vxlan3150 -p tcp -m tcp --dport 53 -m addrtype ! --dst-type LOCAL -j DNAT --to-destination 172.29.0.1:53
      + chain    v4 nat PGW-OUTPUT from OUTPUT
      + v4 nat PGW-OUTPUT -o lo -j RETURN
      + v4 nat PGW-OUTPUT -m mark --mark 0x3150 -j RETURN
      + v4 nat PGW-OUTPUT -p udp -m udp --dport 53 -j DNAT --to-destination 172.29.0.1:53
      + v4 nat PGW-OUTPUT -p tcp -m tcp --dport 53 -j DNAT --to-destination 172.29.0.1:53
      + chain    v4 nat PGW-POSTROUTING from POSTROUTING
      + v4 nat PGW-POSTROUTING -o vxlan3150 ! -s 172.29.0.20/32 -j MASQUERADE
  `,
);

golden(
  "stopped: closed again, the tunnel gone, the Pod's own routes where they were put",
  () => showChanges(stateOf(phases.open), stateOf(phases.stopped)),
  `
      - link     vxlan3150 vxlan 3150 port 4789 dev eth0 local 10.42.0.5 remote 172.20.1.6 mac 02:78:0a:2a:00:05 mtu 1400
      - address  172.29.0.20/24 dev vxlan3150 for 3600 s
      - neighbor 172.29.0.1 is 02:77:ac:1d:00:01 dev vxlan3150
      - route    172.20.1.6/32 via 10.42.0.1 dev eth0
      - route    172.29.0.1/32 dev vxlan3150
      - route    172.29.0.1/32 unreachable metric 4294967295
      - route    0.0.0.0/0 via 172.29.0.1 dev vxlan3150 table 3151
      - route    0.0.0.0/0 unreachable metric 4294967295 table 3151
      - route    0.0.0.0/0 via 172.29.0.1 dev vxlan3150
      - rule     v4 priority 3151 from 172.29.0.20 table 3151
      - rule     v4 priority 3152 own to port 53 table 3151
      - setting  vxlan3150 rp_filter=off accept_local=true
      - v4 filter PGW-OUTPUT -d 172.20.1.6/32 -p udp -m udp --dport 4789 -j RETURN
      - v4 filter PGW-OUTPUT -o vxlan3150 -j RETURN
      - v4 filter PGW-INPUT ! -s 172.20.1.6/32 -p udp -m udp --dport 4789 -j DROP
      - v4 filter PGW-FORWARD -o vxlan3150 -j RETURN
      - v4 filter PGW-FORWARD -i vxlan3150 -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN
      - chain    v4 nat PGW-PREROUTING from PREROUTING
      - v4 nat PGW-PREROUTING -i vxlan3150 -p udp -m udp --dport 68 -j DNAT --to-destination 10.42.0.5:3168
      - chain    v4 nat PGW-NESTED-DNS from PREROUTING
      - v4 nat PGW-NESTED-DNS ! -i vxlan3150 -p udp -m udp --dport 53 -m addrtype ! --dst-type LOCAL -j DNAT --to-destination 172.29.0.1:53
      - v4 nat PGW-NESTED-DNS ! -i vxlan3150 -p tcp -m tcp --dport 53 -m addrtype ! --dst-type LOCAL -j DNAT --to-destination 172.29.0.1:53
      - chain    v4 nat PGW-OUTPUT from OUTPUT
      - v4 nat PGW-OUTPUT -o lo -j RETURN
      - v4 nat PGW-OUTPUT -m mark --mark 0x3150 -j RETURN
      - v4 nat PGW-OUTPUT -p udp -m udp --dport 53 -j DNAT --to-destination 172.29.0.1:53
      - v4 nat PGW-OUTPUT -p tcp -m tcp --dport 53 -j DNAT --to-destination 172.29.0.1:53
      - chain    v4 nat PGW-POSTROUTING from POSTROUTING
      - v4 nat PGW-POSTROUTING -o vxlan3150 ! -s 172.29.0.20/32 -j MASQUERADE
      + v4 filter PGW-INPUT -i vxlan3150 -j DROP
  `,
);

golden(
  "gateway and candidate in PGW_LOCAL_CIDRS need no route and no rule of their own",
  () => {
    const local = { ...tunnel, remote: ip("10.42.1.6") };
    const candidates = [{ address: ip("10.43.0.80"), port: 80 }];
    return [
      ...showChanges(
        stateOf({ ...phases.discovering, candidates: [] }),
        stateOf({ ...phases.discovering, candidates }),
      ),
      ...showChanges(stateOf(phases.leasing), stateOf({ ...phases.leasing, tunnel: local }))
        .filter((line) => line.includes("route ")),
    ];
  },
  `
    - route    172.20.1.6/32 via 10.42.0.1 dev eth0
  `,
);

golden(
  "a gateway that the Pod reaches by a route of its own keeps that way, which may be on-link",
  () => {
    const onLink = { ...uplink, routes: [...uplink.routes, { destination: network4("172.20.0.0/16") }] };
    return showChanges(stateOf(phases.leasing), stateOf({ ...phases.leasing, uplink: onLink }));
  },
  `
    - route    172.20.1.6/32 via 10.42.0.1 dev eth0
  `,
);

golden(
  "a router off the Pod's network is reached on-link, as its own default route says (Calico)",
  () => {
    const routes = [{ destination: network4("0.0.0.0/0"), via: ip("169.254.1.1"), onlink: true }];
    const { default6: _, ...ipv4Alone } = uplink;
    return show(stateOf({ ...phases.stopped, uplink: { ...ipv4Alone, routes } })).filter((line) => / eth0/.test(line));
  },
  `
    route    0.0.0.0/0 via 169.254.1.1 dev eth0 onlink table 3150
    route    10.0.0.0/8 via 169.254.1.1 dev eth0 onlink
    setting  eth0 rp_filter=off accept_local=true
  `,
);

golden(
  "the MTU of the Pod's own routes is that of all routes that are made after them",
  () => {
    const routes = [{ destination: network4("0.0.0.0/0"), via: ip("10.42.0.1"), mtu: 1400 }];
    const smaller = { ...uplink, routes, default6: { via: "2001:db8:42::1", mtu: 1380 } };
    return showChanges(stateOf(phases.leasing), stateOf({ ...phases.leasing, uplink: smaller }));
  },
  `
    - route    0.0.0.0/0 via 10.42.0.1 dev eth0 table 3150
    - route    ::/0 via 2001:db8:42::1 dev eth0 table 3150
    - route    10.0.0.0/8 via 10.42.0.1 dev eth0
    - route    fd00::/8 via 2001:db8:42::1 dev eth0
    - route    172.20.1.6/32 via 10.42.0.1 dev eth0
    + route    0.0.0.0/0 via 10.42.0.1 dev eth0 mtu 1400 table 3150
    + route    ::/0 via 2001:db8:42::1 dev eth0 mtu 1380 table 3150
    + route    10.0.0.0/8 via 10.42.0.1 dev eth0 mtu 1400
    + route    fd00::/8 via 2001:db8:42::1 dev eth0 mtu 1380
    + route    172.20.1.6/32 via 10.42.0.1 dev eth0 mtu 1400
  `,
);

golden(
  "no default route on the uplink: nothing local is routed, and everything is closed all the same",
  () =>
    show(stateOf({ ...phases.stopped, uplink: { ...uplink, routes: [] } })).filter((line) => /^route.*\./.test(line)),
  `
    route    0.0.0.0/0 dev lo metric 4294967294
    route    0.0.0.0/0 unreachable metric 4294967295 table 3153
  `,
);

golden(
  "a gateway of the seed's kind: no MAC is known, so none is pinned",
  () => {
    const { gatewayMac: _, ...learned } = tunnel;
    return showChanges(stateOf(phases.open), stateOf({ ...phases.open, tunnel: learned }));
  },
  `
    - neighbor 172.29.0.1 is 02:77:ac:1d:00:01 dev vxlan3150
  `,
);

golden(
  "PGW_CLIENT_DNS=off: no rule knows of DNS but the one for pgw's own",
  () =>
    show(clientNetState({ ...config, foreignDns: "pass" }, phases.open, 0)).filter((line) => line.includes("port 53")),
  `
    v4 filter PGW-OUTPUT ! -o vxlan3150 -p udp -m mark --mark 0x3150 -m udp --dport 53 -j RETURN
    v6 filter PGW-OUTPUT -p udp -m mark --mark 0x3150 -m udp --dport 53 -j RETURN
  `,
);

golden(
  "with other interfaces in the Pod, what comes in by them may be an answer that goes around the tunnel",
  () => showChanges(stateOf(phases.open), clientNetState(config, phases.open, 0, true)),
  `
    + chain    v4 mangle PGW-PREROUTING from PREROUTING
    + v4 mangle PGW-PREROUTING -i vxlan3150 -j RETURN
    + v4 mangle PGW-PREROUTING -i lo -j RETURN
    + v4 mangle PGW-PREROUTING -m connmark --mark 0x3150 -m conntrack --ctdir REPLY -j MARK --set-mark 0x3150
  `,
);

Deno.test("others are behind the Pod when it has another interface that is up", { permissions: "none" }, () => {
  const link = (name: string, up = true) =>
    ({ name, up, index: 1, ours: false, mac: "", mtu: 1500, ethernet: true }) as const;
  const own = [link("lo"), link("eth0"), link("vxlan3150"), link("tunl0", false)];
  assert.equal(isNest(own, "vxlan3150"), false);
  assert.equal(isNest([...own, link("docker0", false)], "vxlan3150"), false);
  assert.equal(isNest([...own, link("docker0")], "vxlan3150"), true);
});

Deno.test("client network state: the address lasts as long as the lease", { permissions: "none" }, () => {
  const addressAt = (now: number, expiresAt: number) =>
    stateOf({ ...phases.open, lease: { ...phases.open.lease, expiresAt } }, now).addresses[0]?.validSeconds;
  assert.equal(addressAt(0, 3_600_000), 3600);
  assert.equal(addressAt(1_000_500, 3_600_000), 2600);
  assert.equal(addressAt(3_600_000, 3_600_000), 1, "0 would be forever");
  assert.equal(addressAt(9_999_999, 3_600_000), 1);
  assert.equal(addressAt(0, Infinity), undefined);
});
