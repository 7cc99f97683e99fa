import { clientScenario, findsGateway, leaseOptions, opens, reachesGateway, starts } from "./client_dialogue.ts";

/** Closed because of `reason`; the address is asked for again, the gateway taken last. */
const avoiding = "avoid=172.20.1.6";

clientScenario("the gateway answers no longer: three misses of 200 ms, closed, and again at SERVICE", {}, (at) => {
  starts(at);
  at("10 s").client.does("probes 172.29.0.1");
  at("10.2 s").client.does("probes");
  at("10.4 s").client.does("probes");
  at("10.6 s").client.does("warn closed: the gateway 172.20.1.6 answers no longer");
  at("10.6 s").client.does("resolves");
  at("10.6 s").client.does("kernel discovering");
  at("10.7 s").dns.answers("172.20.1.6");
  at("10.7 s").client.does("kernel discovering 172.20.1.6");
  at("10.7 s").client.does(`asks ${avoiding}`);
  at("10.7 s").gateway.answers();
  opens(at, 10_700, "172.29.0.20", "reboot");
});

clientScenario("a late answer, even to the first of three probes, is an answer", {}, (at) => {
  starts(at);
  at("10 s").client.does("probes");
  at("10.2 s").client.does("probes");
  at("10.4 s").client.does("probes");
  at("10.5 s").gateway.answersProbe({ probesAgo: 2 });
  at("20.4 s").client.isSilent();
  at("20.5 s").client.does("probes");
});

clientScenario("an answer to a question of the tunnel before counts for nothing", {}, (at) => {
  starts(at);
  at("10 s").client.does("probes");
  at("10.1 s").gateway.answersProbe({ probesAgo: 1 });
  at("10.2 s").client.does("probes");
  at("10.4 s").client.does("probes");
  at("10.6 s").client.does("warn closed:");
  at("10.6 s").client.does("resolves");
  at("10.6 s").client.does("kernel discovering");
});

clientScenario("the gateway says unasked that it has lost its way out: closed at once", {}, (at) => {
  starts(at);
  at("3 s").gateway.notifies({ healthy: false });
  at("3 s").client.does("warn closed: the gateway 172.20.1.6 has lost its way out");
  at("3 s").client.does("resolves");
  at("3 s").client.does("kernel discovering");
});

clientScenario("the gateway's answer to a probe says that it has lost its way out, and stops: closed", {}, (at) => {
  starts(at);
  at("10 s").client.does("probes");
  at("10.01 s").gateway.answersProbe({ healthy: false, draining: true });
  at("10.01 s").client.does("warn closed: the gateway 172.20.1.6 has lost its way out");
  at("10.01 s").client.does("resolves");
  at("10.01 s").client.does("kernel discovering");
});

for (
  const [fault, reason] of [
    ["noTunnel", "has no tunnel any more"],
    ["noWay", "cannot be reached any more"],
  ] as const
) {
  clientScenario(`ICMP says of the gateway that it ${reason}: two more probes, 20 ms each`, {}, (at) => {
    starts(at);
    at("10 s").client.does("probes");
    at("10.001 s").gateway.refusesProbe(fault);
    at("10.021 s").client.does("probes");
    at("10.022 s").gateway.refusesProbe(fault);
    at("10.042 s").client.does("probes");
    at("10.043 s").gateway.refusesProbe(fault);
    at("10.063 s").client.does(`warn closed: the gateway 172.20.1.6 ${reason}`);
    at("10.063 s").client.does("resolves");
    at("10.063 s").client.does("kernel discovering");
  });
}

clientScenario("what comes back by ICMP is no more than a hint: the next probe is answered", {}, (at) => {
  starts(at);
  at("5 s").gateway.refusesProbe("noTunnel");
  at("10 s").client.does("probes");
  at("10.001 s").gateway.refusesProbe("noTunnel");
  at("10.021 s").client.does("probes");
  at("10.022 s").gateway.answersProbe();
  at("20.02 s").client.isSilent();
  at("20.022 s").client.does("probes");
});

clientScenario("the kernel says that a link changed: the gateway is looked at now", {}, (at) => {
  starts(at);
  at("3 s").client.looks();
  at("3 s").client.does("probes");
  at("3 s").client.looks();
  at("3.001 s").gateway.answersProbe();
  at("13 s").client.isSilent();
  at("13.001 s").client.does("probes");
});

clientScenario("a client that waits looks at once when it is told to", {}, (at) => {
  at(0).client.does("kernel closed");
  reachesGateway(at, 0);
  at(0).gateway.isSilent("nobody answers");
  at(0).client.does("warn the Pod is closed: nobody answers");
  at(0).client.does("kernel discovering");
  at("1 ms").client.looks();
  at("1 ms").client.does("kernel closed");
  at("1 ms").client.does("resolves");
  at("1 ms").client.does("kernel discovering");
});

clientScenario("a full gateway keeps the clients that it has", {}, (at) => {
  starts(at);
  at("3 s").gateway.notifies({ full: true });
  at("9.9 s").client.isSilent();
});

clientScenario("a gateway that drains is not taken, even if there is no other", {}, (at) => {
  at(0).client.does("kernel closed");
  reachesGateway(at, 0);
  at(0).gateway.answers({ draining: true });
  at(0).client.does("warn the Pod is closed: the gateway 172.20.1.6 is about to stop");
  at(0).client.does("kernel discovering");
  at("75 ms +- 25 ms").client.does("kernel closed");
  at("75 ms +- 25 ms").client.does("resolves");
  at("75 ms +- 25 ms").client.does("kernel discovering");
});

clientScenario("nothing comes back through the tunnel: another gateway after 10 s, this one last", {}, (at) => {
  findsGateway(at);
  for (const window of ["0 s", "200 ms +- 50 ms", "700 ms +- 175 ms", "1.7 s +- 425 ms", "3.7 s +- 925 ms"]) {
    at(window).client.does("DHCPDISCOVER");
  }
  at("7.7 s +- 2 s").client.does("DHCPDISCOVER");
  at("10 s").client.does("warn the Pod is closed: UDP port 4789 NetworkPolicy (Calico");
  at("10 s").client.does("kernel discovering");
  at("10.075 s +- 25 ms").client.does("kernel closed");
  at("10.075 s +- 25 ms").client.does("resolves");
  at("10.075 s +- 25 ms").client.does("kernel discovering");
  at("10.2 s").dns.answers("172.20.1.6");
  at("10.2 s").client.does("kernel discovering 172.20.1.6");
  at("10.2 s").client.does(`asks ${avoiding}`);
});

clientScenario("an address but no answer to a probe: closed, and again", {}, (at) => {
  findsGateway(at);
  at(0).client.does("DHCPDISCOVER");
  at(0).gateway.sends(`DHCPACK rapid yiaddr=172.29.0.20 ${leaseOptions}`);
  at(0).client.does("info address leased:");
  at(0).client.does("kernel verifying");
  for (let ms = 0; ms < 3_000; ms += 200) at(ms).client.does("probes");
  at("3 s").client.does("warn the Pod is closed: gave an address but answers no probe");
  at("3 s").client.does("kernel discovering");
});

clientScenario("the lease is refused when it is renewed: closed, and nothing more is asked in that tunnel", {
  watch: { intervalMs: 86_400_000, misses: 3 },
}, (at) => {
  starts(at);
  at("1755 s +- 45 s").client.does("DHCPREQUEST ciaddr=172.29.0.20");
  at("1800 s").gateway.sends("DHCPNAK server=172.29.0.1");
  at("1800 s").client.does("warn closed: the lease is lost: refused");
  at("1800 s").client.does("resolves");
  at("1800 s").client.does("kernel discovering");
  at("1801 s").dns.answers("172.20.1.6");
  at("1801 s").client.does("kernel discovering 172.20.1.6");
  // The fault is not the gateway's.
  at("1801 s").client.does("asks 172.20.1.6:80 no-avoid");
  at("1801 s").gateway.answers();
  opens(at, 1_801_000);
});

clientScenario("the lease ends without an answer to any renewal: closed to the second", {
  watch: { intervalMs: 86_400_000, misses: 3 },
}, (at) => {
  starts(at);
  at("1755 s +- 45 s").client.does("DHCPREQUEST ciaddr=172.29.0.20");
  at("3599.9 s").client.wakesUp();
  at("3599.9 s").client.does("DHCPREQUEST ciaddr=172.29.0.20");
  at("3600 s").client.does("warn closed: the lease is lost: expired");
  at("3600 s").client.does("resolves");
  at("3600 s").client.does("kernel discovering");
});

clientScenario("a process that slept sends its probe again before it counts a miss", {
  watch: { intervalMs: 10_000, misses: 1 },
}, (at) => {
  starts(at);
  at("10 s").client.does("probes");
  at("70 s").client.wakesUp();
  at("70.1 s").gateway.answersProbe();
  at("80 s").client.isSilent();
  at("80.1 s").client.does("probes");
  at("140 s").client.wakesUp();
  at("140.2 s").client.does("warn closed: the gateway 172.20.1.6 answers no longer");
  at("140.2 s").client.does("resolves");
  at("140.2 s").client.does("kernel discovering");
});
