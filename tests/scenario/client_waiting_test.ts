import { clientScenario, leaseOptions, opens, reachesGateway, starts } from "./client_dialogue.ts";

/** Resolving has failed at `when` already; the next attempt comes in the window. */
function triesAgain(at: Parameters<Parameters<typeof clientScenario>[2]>[0], window: string): void {
  at(window).client.does("kernel closed");
  at(window).client.does("resolves");
  at(window).client.does("kernel discovering");
}

clientScenario("the name does not resolve: pauses double up to 5 s, and grow no more", {}, (at) => {
  at(0).client.does("kernel closed");
  at(0).client.does("resolves");
  at(0).client.does("kernel discovering");
  let now = 0;
  for (const longest of [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]) {
    at(now).dns.fails(`no answer to question ${longest}`);
    if (now < 14_000) at(now).client.does("the Pod is closed: no answer to question");
    triesAgain(at, `${now + longest / 2} ms - ${now + longest} ms`);
    now += longest;
  }
});

clientScenario("the Pod's network changes in a pause: tried again at once, but not again and again", {}, (at) => {
  at(0).client.does("kernel closed");
  at(0).client.does("resolves");
  at(0).client.does("kernel discovering");
  let now = 0;
  for (const longest of [100, 200, 400, 800, 1600, 3200]) {
    at(now).dns.fails(`no answer to question ${longest}`);
    at(now).client.does("warn the Pod is closed: no answer to question");
    triesAgain(at, `${now + longest / 2} ms - ${now + longest} ms`);
    now += longest;
  }
  at(now).dns.fails("no answer");
  at(now).client.does("warn the Pod is closed: no answer");
  for (let after = 1_000; after <= 1_040; after += 10) at(now + after).kernel.changes();
  triesAgain(at, `${now + 1_050} ms - ${now + 1_100} ms`);
});

clientScenario("why it waits is said once, then after 10, 20, 40 s, as an error by then", {}, (at) => {
  at(0).client.does("kernel closed");
  at(0).client.does("resolves");
  at(0).client.does("kernel discovering");
  at(0).dns.fails("no such name");
  at(0).client.does("warn the Pod is closed: no such name");
  const said = [10, 30, 70];
  let now = 0;
  let attempt = 0;
  while (now < 80_000) {
    triesAgain(at, `${now} ms - ${now + 5_000} ms`);
    now += 5_000;
    at(now).dns.fails(attempt % 2 === 0 ? "nobody answers" : "no such name");
    if (attempt === 0) at(now).client.does("warn the Pod is closed: nobody answers");
    else if (said[0] !== undefined && now >= said[0] * 1000) {
      at(now).client.does("error the Pod is closed:");
      said.shift();
    }
    attempt++;
  }
});

clientScenario("nobody behind SERVICE answers", {}, (at) => {
  at(0).client.does("kernel closed");
  reachesGateway(at, 0);
  at("4 s").gateway.isSilent("nobody answers");
  at("4 s").client.does("warn the Pod is closed: nobody answers");
  at("4 s").client.does("kernel discovering");
  triesAgain(at, "4.075 s +- 25 ms");
});

clientScenario("the Pod's interface is not there yet: looked for each second, and an error after 10", {
  hasNoUplink: "there is no default route",
}, (at) => {
  at(0).client.does("kernel closed");
  at(0).client.does("warn the Pod is closed: there is no default route");
  at("10 s").client.does("error the Pod is closed: there is no default route");
  at("11.5 s").kernel.hasNoUplink(undefined);
  at("12 s").client.does("resolves");
  at("12 s").client.does("kernel discovering");
});

clientScenario("what the Pod's address is by now is looked at after each pause", {}, (at) => {
  at(0).client.does("kernel closed");
  reachesGateway(at, 0);
  at("1 s").kernel.hasAddress("10.42.0.66");
  at("1 s").gateway.isSilent("nobody answers");
  at("1 s").client.does("warn the Pod is closed: nobody answers");
  at("1 s").client.does("kernel discovering");
  triesAgain(at, "1.075 s +- 25 ms");
  at("2 s").dns.answers("172.20.1.6");
  at("2 s").client.does("kernel discovering");
  at("2 s").client.does("asks");
  at("2 s").gateway.answers();
  at("2 s").client.does("info gateway found:");
  at("2 s").client.does("kernel leasing");
  at("2 s").client.does("DHCPDISCOVER id=01:02:78:0a:2a:00:42");
});

clientScenario("the firewall cannot be set: tried each second, and nothing else is done until then", {
  refuses: "iptables-restore: another process holds the lock",
}, (at) => {
  at(0).client.does("warn the Pod cannot be closed: iptables-restore:");
  at("5.5 s").client.isSilent();
  at("5.5 s").kernel.refuses(undefined);
  at("6 s").client.does("kernel closed");
  at("6 s").client.does("resolves");
  at("6 s").client.does("kernel discovering");
});

clientScenario("the kernel refuses the tunnel: closed, and again after a pause", {}, (at) => {
  at(0).client.does("kernel closed");
  reachesGateway(at, 0);
  at(0).kernel.isSlow();
  at(0).gateway.answers();
  at(0).client.does("info gateway found:");
  at("1 s").kernel.finishes("RTNETLINK answers: No buffer space available");
  at("1 s").client.does("warn the Pod is closed: RTNETLINK answers: No buffer space available");
  at("1 s").client.does("kernel discovering");
  triesAgain(at, "1.075 s +- 25 ms");
});

clientScenario("the kernel refuses what a renewed lease asks for: closed, and the address is kept", {
  watch: { intervalMs: 86_400_000, misses: 3 },
}, (at) => {
  starts(at);
  at("1755 s +- 45 s").client.does("DHCPREQUEST ciaddr=172.29.0.20");
  at("1800 s").kernel.isSlow();
  at("1800 s").gateway.sends(`DHCPACK yiaddr=172.29.0.20 ${leaseOptions}`);
  at("1801 s").kernel.finishes("it does not stay");
  at("1801 s").client.does("warn the Pod is closed: it does not stay");
  at("1801 s").client.does("kernel discovering");
  triesAgain(at, "1801.075 s +- 25 ms");
  at("1802 s").dns.answers("172.20.1.6");
  at("1802 s").client.does("kernel discovering");
  at("1802 s").client.does("asks no-avoid");
  at("1802 s").gateway.answers();
  opens(at, 1_802_000, "172.29.0.20", "reboot");
});

for (const address of ["10.42.0.5", "224.0.0.1", "127.0.0.1", "0.0.0.0", "255.255.255.255"]) {
  clientScenario(`a gateway that says that it is ${address} is none`, {}, (at) => {
    at(0).client.does("kernel closed");
    reachesGateway(at, 0);
    at(0).gateway.answers({ podAddress: address });
    at(0).client.does(`warn the Pod is closed: the gateway ${address} is at no other Pod's address`);
    at(0).client.does("kernel discovering");
  });
}

clientScenario("the gateway's overlay address is one of the Pod's own", { ownAddresses: ["172.29.0.1"] }, (at) => {
  at(0).client.does("kernel closed");
  reachesGateway(at, 0);
  at(0).gateway.answers();
  at(0).client.does(
    "warn the Pod is closed: the gateway 172.20.1.6 has the overlay address 172.29.0.1, which this Pod has itself: " +
      "choose another PGW_VXLAN_IP_NETWORK on the gateway",
  );
  at(0).client.does("kernel discovering");
});
