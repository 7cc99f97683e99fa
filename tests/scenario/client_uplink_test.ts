/** The Pod's own interface changes while it is in use. */

import { parsePrefix, type Prefix4 } from "../../mod/addr/prefix.ts";
import { ip } from "../unit/netstate/fixtures.ts";
import { clientScenario, findsGateway, leaseOptions, other, reachesGateway, starts } from "./client_dialogue.ts";

const everything = parsePrefix("0.0.0.0/0") as Prefix4;
const byAnother = { routes: [{ destination: everything, via: ip("10.42.0.254"), mtu: 1400 }], mtu: 1400 };

clientScenario("another router, of smaller MTU: the Pod stays open, and the tunnel fits", {}, (at) => {
  starts(at);
  at("1 s").kernel.hasUplink(byAnother);
  at("1 s").client.does("kernel open via=172.20.1.6 mtu=1350 router=10.42.0.254");
  at("9.9 s").client.isSilent();
  at("10 s").client.does("probes");
});

clientScenario("another router while a gateway is looked for: the tunnel to it goes by that", {}, (at) => {
  at(0).client.does("kernel closed");
  reachesGateway(at, 0);
  at(0).kernel.hasUplink(byAnother);
  at(0).client.does("kernel discovering 172.20.1.6 router=10.42.0.254");
  at(0).gateway.answers();
  at(0).client.does("info gateway found:");
  at(0).client.does("kernel leasing mtu=1350 router=10.42.0.254");
  at(0).client.does("DHCPDISCOVER");
});

clientScenario("another router while the Pod moves: the next gateway's tunnel goes by it as well", {}, (at) => {
  starts(at);
  at("3 s").gateway.notifies({ draining: true });
  at("3 s").client.does("info moving:");
  at("3 s").client.does("resolves");
  at("3 s").dns.answers(other);
  at("3 s").client.does("kernel moving");
  at("3 s").client.does("asks");
  at("3 s").gateway.answers({ podAddress: other });
  at("3 s").client.does("info gateway found:");
  at("3 s").client.does("kernel moving");
  at("3 s").client.does("DHCPREQUEST");
  at("3 s").kernel.hasUplink(byAnother);
  at("3 s").client.does("kernel moving mtu=1350 router=10.42.0.254");
  at("3 s").gateway.sends(`DHCPACK yiaddr=172.29.0.20 ${leaseOptions}`);
  at("3 s").client.does("info address leased:");
  at("3 s").client.does("DHCPRELEASE");
  at("3 s").client.does("resolv.conf");
  at("3 s").client.does(`kernel open via=${other} mtu=1350 router=10.42.0.254`);
  at("3 s").client.does("info open:");
});

clientScenario("another address: closed, and a gateway is looked for as from that", {}, (at) => {
  starts(at);
  at("1 s").kernel.hasUplink({ address: ip("10.42.0.66") });
  at("1 s").client.does("warn closed: the Pod's own address is 10.42.0.66 now");
  at("1 s").client.does("resolves");
  at("1 s").client.does("kernel discovering");
  at("1 s").dns.answers("172.20.1.6");
  at("1 s").client.does("kernel discovering 172.20.1.6");
  at("1 s").client.does("asks 172.20.1.6:80");
  at("1 s").gateway.answers();
  at("1 s").client.does("info gateway found:");
  at("1 s").client.does("kernel leasing");
  at("1 s").client.does("DHCPDISCOVER id=01:02:78:0a:2a:00:42");
});

clientScenario("another address before there is a lease: the same", {}, (at) => {
  findsGateway(at);
  at(0).client.does("DHCPDISCOVER");
  at(0).kernel.hasUplink({ address: ip("10.42.0.66") });
  at(0).client.does("resolves");
  at(0).client.does("kernel discovering");
});
