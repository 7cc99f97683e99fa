import { clientScenario, findsGateway, leaseOptions, reachesGateway, starts } from "./client_dialogue.ts";

clientScenario("from nothing to open: closed first, opened last", {}, (at) => {
  at("0 s").client.does("kernel closed");
  at("0 s").client.does("resolves");
  at("0 s").client.does("kernel discovering");
  at("5 ms").dns.answers("172.20.1.6");
  at("5 ms").client.does("kernel discovering 172.20.1.6");
  at("5 ms").client.does("asks 172.20.1.6:80");
  at("8 ms").gateway.answers();
  at("8 ms").client.does("info gateway found: 172.20.1.6");
  at("8 ms").client.does("kernel leasing via=172.20.1.6");
  at("8 ms").client.does("DHCPDISCOVER no-broadcast rapid name=media-0 no-requested");
  at("9 ms").gateway.sends(`DHCPOFFER yiaddr=172.29.0.20 ${leaseOptions}`);
  at("9 ms").client.does("DHCPREQUEST requested=172.29.0.20 server=172.29.0.1");
  at("10 ms").gateway.sends(`DHCPACK yiaddr=172.29.0.20 ${leaseOptions}`);
  at("10 ms").client.does("info address leased: 172.29.0.20");
  at("10 ms").client.does("kernel verifying via=172.20.1.6 as=172.29.0.20");
  at("10 ms").client.does("probes 172.29.0.1");
  at("11 ms").gateway.answersProbe();
  at("11 ms").client.does("resolv.conf 172.29.0.1");
  at("11 ms").client.does("kernel open via=172.20.1.6 as=172.29.0.20");
  at("11 ms").client.does("info open: through 172.20.1.6 as 172.29.0.20");
  at("10 s").client.isSilent();
});

clientScenario("a gateway of the seed's kind: own settings, and DNS questions for probes", {}, (at) => {
  at(0).client.does("kernel closed");
  reachesGateway(at, 0);
  at(0).gateway.answers({ plain: true });
  at(0).client.does("info gateway found:");
  at(0).client.does("kernel leasing via=172.20.1.6");
  at(0).client.does("DHCPDISCOVER");
  // dnsmasq pings the address for three seconds before it offers it.
  for (const window of ["200 ms +- 50 ms", "700 ms +- 175 ms", "1.7 s +- 425 ms"]) {
    at(window).client.does("DHCPDISCOVER");
  }
  at("3 s").gateway.sends(`DHCPOFFER yiaddr=172.29.0.99 ${leaseOptions}`);
  at("3 s").client.does("DHCPREQUEST requested=172.29.0.99");
  at("3.01 s").gateway.sends(`DHCPACK yiaddr=172.29.0.99 ${leaseOptions}`);
  at("3.01 s").client.does("info address leased: 172.29.0.99");
  at("3.01 s").client.does("kernel verifying");
  at("3.01 s").client.does("probes 172.29.0.1 by-dns");
  at("3.02 s").gateway.answersProbe({ dns: true });
  at("3.02 s").client.does("resolv.conf 172.29.0.1");
  at("3.02 s").client.does("kernel open");
  at("3.02 s").client.does("info open:");
  at("13.02 s").client.does("probes 172.29.0.1 by-dns");
  at("13.03 s").gateway.answersProbe({ dns: true });
  at("23.03 s").client.does("probes by-dns");
});

clientScenario("whatever nameserver the lease names, the Pod is pointed at the gateway's", {}, (at) => {
  findsGateway(at);
  at(0).client.does("DHCPDISCOVER rapid");
  at(0).gateway.sends("DHCPACK rapid yiaddr=172.29.0.20 server=172.29.0.1 lease=3600 dns=9.9.9.9");
  at(0).client.does("info address leased: 172.29.0.20");
  at(0).client.does("kernel verifying");
  at(0).client.does("probes 172.29.0.1");
  at(0).gateway.answersProbe();
  at(0).client.does("resolv.conf 172.29.0.1");
  at(0).client.does("kernel open");
  at(0).client.does("info open:");
});

clientScenario("init ends when the Pod is open, and leaves it so", { mode: "init" }, (at) => {
  starts(at);
  at(0).client.does("exits: the tunnel stands");
});

clientScenario("the kernel is slow: nothing is sent before it is ready for it", {}, (at) => {
  at(0).client.does("kernel closed");
  reachesGateway(at, 0);
  at(0).kernel.isSlow();
  at("1 s").gateway.answers();
  at("1 s").client.does("info gateway found:");
  at("2 s").client.isSilent();
  at("2 s").kernel.finishes();
  at("2 s").client.does("kernel leasing");
  at("2 s").client.does("DHCPDISCOVER");
  at("2 s").kernel.isSlow();
  at("2 s").gateway.sends(`DHCPACK rapid yiaddr=172.29.0.20 ${leaseOptions}`);
  at("2 s").client.does("info address leased:");
  at("4 s").client.isSilent();
  at("4 s").kernel.finishes();
  at("4 s").client.does("kernel verifying");
  at("4 s").client.does("probes");
  at("4 s").kernel.isSlow();
  at("4 s").gateway.answersProbe();
  at("4 s").client.does("resolv.conf");
  at("5 s").client.isSilent();
  at("5 s").kernel.finishes();
  at("5 s").client.does("kernel open");
  at("5 s").client.does("info open:");
});

const unwatched = { watch: { intervalMs: 86_400_000, misses: 3 } };

clientScenario("the lease is renewed at half its time, and the kernel told", unwatched, (at) => {
  starts(at);
  at("1755 s +- 45 s").client.does("DHCPREQUEST ciaddr=172.29.0.20 no-requested");
  at("1800 s").gateway.sends(`DHCPACK yiaddr=172.29.0.20 ${leaseOptions}`);
  at("1800 s").client.does("kernel open as=172.29.0.20");
  at("3300 s").client.isSilent();
});

clientScenario("a smaller MTU of the gateway's is taken", {}, (at) => {
  at(0).client.does("kernel closed");
  reachesGateway(at, 0);
  at(0).gateway.answers({ mtu: 1370 });
  at(0).client.does("info gateway found:");
  at(0).client.does("kernel leasing mtu=1370");
  at(0).client.does("DHCPDISCOVER");
});

clientScenario("a larger MTU of the gateway's does not fit the Pod's own interface", {}, (at) => {
  at(0).client.does("kernel closed");
  reachesGateway(at, 0);
  at(0).gateway.answers({ mtu: 8950 });
  at(0).client.does("info gateway found:");
  at(0).client.does("kernel leasing mtu=1400");
  at(0).client.does("DHCPDISCOVER");
});
