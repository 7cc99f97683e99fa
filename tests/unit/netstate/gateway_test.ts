import assert from "node:assert/strict";
import { parsePrefix } from "../../../mod/addr/prefix.ts";
import { type GatewayNetConfig, gatewayNetState } from "../../../mod/netstate/gateway.ts";
import { overlay, overlayGateway, uplink } from "./fixtures.ts";
import { lines, show, showChanges } from "./show.ts";

const config: GatewayNetConfig = {
  device: "vxlan3150",
  id: 3150,
  port: 4789,
  network: overlay,
  address: overlayGateway,
  httpPort: 3150,
  aroundVpn: [parsePrefix("10.96.0.10")],
};
const whole = gatewayNetState(config, uplink, ["eth0", "tun0"]);

Deno.test("gateway network state: forwards whatever way the routes say", { permissions: "none" }, () => {
  assert.deepEqual(
    show(whole),
    lines(`
      link     vxlan3150 vxlan 3150 port 4789 dev eth0 local 10.42.0.5 mac 02:77:ac:1d:00:01 mtu 1400
      address  172.29.0.1/24 dev vxlan3150
      setting  eth0 forwarding=true rp_filter=2
      setting  tun0 forwarding=true rp_filter=2
      setting  vxlan3150 forwarding=true rp_filter=2
      chain    v4 filter PGW-INPUT from INPUT
      v4 filter PGW-INPUT ! -i vxlan3150 -p udp -m udp --dport 4789 -j ACCEPT
      v4 filter PGW-INPUT ! -s 172.29.0.1/32 -d 172.29.0.1/32 ! -i vxlan3150 -j DROP
      v4 filter PGW-INPUT ! -i vxlan3150 -p tcp -m tcp --dport 3150 -j ACCEPT
      v4 filter PGW-INPUT -i vxlan3150 -p udp -m udp --dport 67 -j ACCEPT
      v4 filter PGW-INPUT -i vxlan3150 -p udp -m udp --dport 53 -j ACCEPT
      v4 filter PGW-INPUT -i vxlan3150 -p udp -m udp --dport 3150 -j ACCEPT
      v4 filter PGW-INPUT -i vxlan3150 -p tcp -m tcp --dport 53 -j ACCEPT
      v4 filter PGW-INPUT -i vxlan3150 -p icmp -m icmp --icmp-type 8 -j ACCEPT
      v4 filter PGW-INPUT -i vxlan3150 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      v4 filter PGW-INPUT -i vxlan3150 -j DROP
      chain    v4 filter PGW-OUTPUT from OUTPUT
      v4 filter PGW-OUTPUT -o vxlan3150 -j ACCEPT
      v4 filter PGW-OUTPUT -p udp -m udp --dport 4789 -j ACCEPT
      v4 filter PGW-OUTPUT -p tcp -m tcp --sport 3150 -m conntrack --ctstate ESTABLISHED -j ACCEPT
      chain    v4 filter PGW-FORWARD from FORWARD
      v4 filter PGW-FORWARD -i vxlan3150 ! -s 172.29.0.0/24 -j DROP
      v4 filter PGW-FORWARD -i vxlan3150 -o vxlan3150 -j DROP
      v4 filter PGW-FORWARD -i vxlan3150 -d 169.254.0.0/16 -j REJECT --reject-with icmp-admin-prohibited
      v4 filter PGW-FORWARD -i vxlan3150 -j ACCEPT
      v4 filter PGW-FORWARD -o vxlan3150 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
      v4 filter PGW-FORWARD -o vxlan3150 -j DROP
      chain    v4 mangle PGW-FORWARD from FORWARD
      v4 mangle PGW-FORWARD -i vxlan3150 -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
      v4 mangle PGW-FORWARD -o vxlan3150 -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
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
    showChanges(whole, gatewayNetState({ ...config, vpnInterface: "tun0" }, uplink, ["eth0", "tun0"])),
    lines(`
      + v4 filter PGW-OUTPUT -o lo -m mark --mark 0x3151 -j RETURN
      + v4 filter PGW-OUTPUT -o tun0 -m mark --mark 0x3151 -j RETURN
      + v4 filter PGW-OUTPUT -d 10.96.0.10/32 -m mark --mark 0x3151 -j RETURN
      + v4 filter PGW-OUTPUT -m mark --mark 0x3151 -j REJECT --reject-with icmp-admin-prohibited
      + v4 filter PGW-FORWARD -i vxlan3150 ! -o tun0 -j REJECT --reject-with icmp-admin-prohibited
      + v6 filter PGW-OUTPUT -o lo -m mark --mark 0x3151 -j RETURN
      + v6 filter PGW-OUTPUT -o tun0 -m mark --mark 0x3151 -j RETURN
      + v6 filter PGW-OUTPUT -m mark --mark 0x3151 -j REJECT --reject-with icmp6-adm-prohibited
    `),
  );
});

Deno.test("gateway network state: a VPN that comes up later forwards too", { permissions: "none" }, () => {
  assert.deepEqual(
    showChanges(gatewayNetState(config, uplink, ["eth0"]), whole),
    ["+ setting  tun0 forwarding=true rp_filter=2"],
  );
});
