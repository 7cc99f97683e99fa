import assert from "node:assert/strict";
import { parsePrefix } from "../../../mod/addr/prefix.ts";
import { gatewayNetState } from "../../../mod/netstate/gateway.ts";
import { gatewayConfig as config, gatewayView, ip, uplink } from "./fixtures.ts";
import { lines, show, showChanges } from "./show.ts";

const nothing = { forwards: [] };
const whole = gatewayNetState(config, gatewayView, nothing);

Deno.test("gateway network state: forwards whatever way the routes say", { permissions: "none" }, () => {
  assert.deepEqual(
    show(whole),
    lines(`
      link     vxlan3150 vxlan 3150 port 4789 dev eth0 local 10.42.0.5 mac 02:77:ac:1d:00:01 mtu 1400
      address  172.29.0.1/24 dev vxlan3150
      route    172.29.0.0/24 dev vxlan3150 table 255
      setting  eth0 forwarding=true rp_filter=off
      setting  tun0 forwarding=true rp_filter=off
      setting  vxlan3150 forwarding=true rp_filter=off proxy_arp=false
      chain    v4 filter PGW-INPUT from INPUT
      v4 filter PGW-INPUT ! -i vxlan3150 -p udp -m udp --dport 4789 -j ACCEPT
      v4 filter PGW-INPUT ! -s 172.29.0.1/32 -d 172.29.0.1/32 ! -i vxlan3150 -j DROP
      v4 filter PGW-INPUT ! -i vxlan3150 -p tcp -m tcp --dport 3150 -j ACCEPT
      v4 filter PGW-INPUT -i vxlan3150 -p udp -m udp --dport 67 -j ACCEPT
      v4 filter PGW-INPUT -i vxlan3150 ! -s 172.29.0.0/24 -j DROP
      v4 filter PGW-INPUT -i vxlan3150 -p udp -m udp --dport 53 -j ACCEPT
      v4 filter PGW-INPUT -i vxlan3150 -p udp -m udp --dport 3150 -j ACCEPT
      v4 filter PGW-INPUT -i vxlan3150 -p tcp -m tcp --dport 53 -j ACCEPT
      v4 filter PGW-INPUT -i vxlan3150 -p icmp -m icmp --icmp-type 8 -j ACCEPT
      v4 filter PGW-INPUT -i vxlan3150 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      v4 filter PGW-INPUT -i vxlan3150 -j DROP
      chain    v4 filter PGW-OUTPUT from OUTPUT
      v4 filter PGW-OUTPUT -p udp -m udp --dport 4789 -j ACCEPT
      v4 filter PGW-OUTPUT -o vxlan3150 -j ACCEPT
      v4 filter PGW-OUTPUT -p tcp -m tcp --sport 3150 -m conntrack --ctstate ESTABLISHED -j ACCEPT
      chain    v4 filter PGW-FORWARD from FORWARD
      v4 filter PGW-FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
      v4 filter PGW-FORWARD -s 172.29.0.0/24 -i vxlan3150 ! -o vxlan3150 -m conntrack --ctstate ESTABLISHED -j ACCEPT
      v4 filter PGW-FORWARD ! -i vxlan3150 -o vxlan3150 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      v4 filter PGW-FORWARD ! -s 172.29.0.0/24 -i vxlan3150 -j DROP
      v4 filter PGW-FORWARD -i vxlan3150 -o vxlan3150 -j DROP
      v4 filter PGW-FORWARD -d 169.254.0.0/16 -i vxlan3150 -j REJECT --reject-with icmp-admin-prohibited
      v4 filter PGW-FORWARD -d 100.100.100.200/32 -i vxlan3150 -j REJECT --reject-with icmp-admin-prohibited
      v4 filter PGW-FORWARD -d 168.63.129.16/32 -i vxlan3150 -j REJECT --reject-with icmp-admin-prohibited
      v4 filter PGW-FORWARD -d 192.0.0.192/32 -i vxlan3150 -j REJECT --reject-with icmp-admin-prohibited
      v4 filter PGW-FORWARD -d 10.42.0.1/32 -i vxlan3150 -j REJECT --reject-with icmp-admin-prohibited
      v4 filter PGW-FORWARD -d 192.0.2.10/32 -i vxlan3150 -j REJECT --reject-with icmp-admin-prohibited
      v4 filter PGW-FORWARD -i vxlan3150 -j ACCEPT
      v4 filter PGW-FORWARD -s 172.29.0.0/24 ! -i vxlan3150 -j DROP
      v4 filter PGW-FORWARD -o vxlan3150 -j DROP
      chain    v4 nat PGW-POSTROUTING from POSTROUTING
      v4 nat PGW-POSTROUTING -o lo -j RETURN
      v4 nat PGW-POSTROUTING -s 172.29.0.0/24 ! -o vxlan3150 -j MASQUERADE
      chain    v6 filter PGW-INPUT from INPUT
      v6 filter PGW-INPUT -i vxlan3150 -j DROP
      chain    v6 filter PGW-FORWARD from FORWARD
      v6 filter PGW-FORWARD -i vxlan3150 -j DROP
      v6 filter PGW-FORWARD -o vxlan3150 -j DROP
      chain    v6 filter PGW-OUTPUT from OUTPUT
      v6 filter PGW-OUTPUT -o vxlan3150 -j DROP
    `),
  );
});

Deno.test("gateway network state: with a VPN's interface, by that or not at all", { permissions: "none" }, () => {
  assert.deepEqual(
    showChanges(whole, gatewayNetState({ ...config, vpnInterface: "tun0" }, gatewayView, nothing)),
    lines(`
      - v4 filter PGW-FORWARD -s 172.29.0.0/24 -i vxlan3150 ! -o vxlan3150 -m conntrack --ctstate ESTABLISHED -j ACCEPT
      + v4 filter PGW-INPUT -i tun0 -p udp -m udp --dport 4789 -j DROP
      + v4 filter PGW-INPUT -i tun0 -p tcp -m tcp --dport 3150 -j DROP
      + v4 filter PGW-OUTPUT -o lo -m mark --mark 0x3151 -j RETURN
      + v4 filter PGW-OUTPUT -o tun0 -m mark --mark 0x3151 -j RETURN
      + v4 filter PGW-OUTPUT -d 10.96.0.10/32 -m mark --mark 0x3151 -j RETURN
      + v4 filter PGW-OUTPUT -m mark --mark 0x3151 -j REJECT --reject-with icmp-admin-prohibited
      + v4 filter PGW-FORWARD -s 172.29.0.0/24 -i vxlan3150 -o tun0 -m conntrack --ctstate ESTABLISHED -j ACCEPT
      + v4 filter PGW-FORWARD -i vxlan3150 ! -o tun0 -j REJECT --reject-with icmp-admin-prohibited
      + v4 filter PGW-FORWARD -i tun0 -m conntrack --ctstate INVALID,NEW -j DROP
      + v4 filter PGW-FORWARD -i eth0 -o tun0 -m conntrack --ctstate INVALID,NEW -j DROP
      + v6 filter PGW-OUTPUT -o lo -m mark --mark 0x3151 -j RETURN
      + v6 filter PGW-OUTPUT -o tun0 -m mark --mark 0x3151 -j RETURN
      + v6 filter PGW-OUTPUT -m mark --mark 0x3151 -j REJECT --reject-with icmp6-adm-prohibited
    `),
  );
});

Deno.test("gateway network state: a VPN that comes up later forwards too", { permissions: "none" }, () => {
  assert.deepEqual(
    showChanges(gatewayNetState(config, { uplink, interfaces: ["eth0"] }, nothing), whole),
    ["+ setting  tun0 forwarding=true rp_filter=off"],
  );
});

Deno.test("gateway network state: a VPN whose connection is known keeps the rest of the Pod in", {
  permissions: "none",
}, () => {
  const vpn = { ...config, vpnInterface: "tun0" };
  const before = gatewayNetState(vpn, gatewayView, nothing);
  const named = gatewayNetState(vpn, gatewayView, {
    ...nothing,
    endpoints: [{ prefix: parsePrefix("198.51.100.0/24"), port: 1194, protocol: "udp" }, { port: 443 }],
  });
  const around = ["v4 filter PGW-OUTPUT -d 10.0.0.0/8 -j RETURN", "v4 filter PGW-OUTPUT -d 10.96.0.10/32 -j RETURN"];
  assert.deepEqual(showChanges(before, named).filter((line) => line.includes(" v4 ")).map((line) => line.slice(2)), [
    "v4 filter PGW-OUTPUT -o lo -j RETURN",
    "v4 filter PGW-OUTPUT -o tun0 -j RETURN",
    "v4 filter PGW-OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED --ctdir REPLY -j RETURN",
    "v4 filter PGW-OUTPUT -d 198.51.100.0/24 -p udp -m udp --dport 1194 -j RETURN",
    "v4 filter PGW-OUTPUT -p udp -m udp --dport 443 -j RETURN",
    "v4 filter PGW-OUTPUT -p tcp -m tcp --dport 443 -j RETURN",
    ...around,
    "v4 filter PGW-OUTPUT -j REJECT --reject-with icmp-admin-prohibited",
  ]);
  const foundVpn = { addresses: [parsePrefix("198.51.100.1")], marks: [0xca6c] };
  const found = gatewayNetState(vpn, { ...gatewayView, foundVpn }, nothing);
  assert.deepEqual(showChanges(named, found).filter((line) => line.startsWith("+ v4")).map((line) => line.slice(2)), [
    "v4 filter PGW-OUTPUT -m mark --mark 0xca6c -j RETURN",
    "v4 filter PGW-OUTPUT -d 198.51.100.1/32 -j RETURN",
  ]);
});

Deno.test("gateway network state: forwards lead new connections from the VPN to their clients", {
  permissions: "none",
}, () => {
  const vpn = { ...config, vpnInterface: "tun0" };
  const forwards = [
    { protocol: "tcp", ports: { first: 29206, last: 29206 }, address: ip("172.29.0.20"), toPort: 32400 },
    { protocol: "udp", ports: { first: 5000, last: 5010 }, address: ip("172.29.0.21") },
  ] as const;
  assert.deepEqual(
    showChanges(gatewayNetState(vpn, gatewayView, nothing), gatewayNetState(vpn, gatewayView, { forwards })),
    [
      "+ v4 filter PGW-FORWARD -d 172.29.0.20/32 -i tun0 -o vxlan3150 -p tcp -m tcp --dport 32400 -m conntrack --ctstate DNAT -j ACCEPT",
      "+ v4 filter PGW-FORWARD -d 172.29.0.21/32 -i tun0 -o vxlan3150 -p udp -m udp --dport 5000:5010 -m conntrack --ctstate DNAT -j ACCEPT",
      "+ chain    v4 nat PGW-PREROUTING from PREROUTING",
      "+ v4 nat PGW-PREROUTING -i tun0 -p tcp -m tcp --dport 29206 -j DNAT --to-destination 172.29.0.20:32400",
      "+ v4 nat PGW-PREROUTING -i tun0 -p udp -m udp --dport 5000:5010 -j DNAT --to-destination 172.29.0.21",
    ],
  );
});

Deno.test("gateway network state: a fixed address instead of the masquerade; clients that may see each other", {
  permissions: "none",
}, () => {
  assert.deepEqual(
    showChanges(whole, gatewayNetState({ ...config, snatAddress: ip("203.0.113.7") }, gatewayView, nothing)),
    [
      "- v4 nat PGW-POSTROUTING -s 172.29.0.0/24 ! -o vxlan3150 -j MASQUERADE",
      "+ v4 nat PGW-POSTROUTING -s 172.29.0.0/24 ! -o vxlan3150 -j SNAT --to-source 203.0.113.7",
    ],
  );
  const open = showChanges(whole, gatewayNetState({ ...config, isolation: false }, gatewayView, nothing));
  assert.deepEqual(open.filter((line) => line.startsWith("+")), [
    "+ setting  vxlan3150 forwarding=true rp_filter=off proxy_arp=true",
    "+ v4 filter PGW-FORWARD -i vxlan3150 -o vxlan3150 -j ACCEPT",
  ]);
});
