import { clientScenario, found, leaseOptions, starts } from "./client_dialogue.ts";

clientScenario("an open Pod is taken over: nothing in the kernel changes until the gateway has confirmed it", {
  found,
}, (at) => {
  at(0).client.does("asks 172.20.1.6:3150");
  at("5 ms").gateway.answers();
  at("5 ms").client.does("DHCPREQUEST requested=172.29.0.20 no-server");
  at("6 ms").gateway.sends(`DHCPACK yiaddr=172.29.0.20 ${leaseOptions}`);
  at("6 ms").client.does("resolv.conf 172.29.0.1");
  at("6 ms").client.does("kernel open via=172.20.1.6 as=172.29.0.20");
  at("6 ms").client.does("info open: through 172.20.1.6 as 172.29.0.20");
  at("10 s").client.isSilent();
  at("10.006 s").client.does("probes");
});

clientScenario(
  "the gateway of a found tunnel does not answer: closed, and all anew with the same address",
  { found },
  (at) => {
    at(0).client.does("asks 172.20.1.6:3150");
    at("3 s").gateway.isSilent("nobody answers");
    at("3 s").client.does("kernel closed no-for-good");
    at("3 s").client.does("resolves");
    at("3 s").client.does("kernel discovering");
    at("3 s").dns.answers("172.20.1.6");
    at("3 s").client.does("kernel discovering");
    at("3 s").client.does("asks");
    at("3 s").gateway.answers();
    at("3 s").client.does("info gateway found:");
    at("3 s").client.does("kernel leasing");
    at("3 s").client.does("DHCPREQUEST requested=172.29.0.20");
  },
);

for (
  const [what, answer] of [
    ["is draining", { draining: true }],
    ["has no way out", { healthy: false }],
    ["is another one", { podAddress: "172.20.1.9" }],
  ] as const
) {
  clientScenario(`the gateway of a found tunnel ${what}: closed`, { found }, (at) => {
    at(0).client.does("asks 172.20.1.6:3150");
    at("5 ms").gateway.answers(answer);
    at("5 ms").client.does("kernel closed");
    at("5 ms").client.does("resolves");
    at("5 ms").client.does("kernel discovering");
  });
}

clientScenario("the gateway of a found tunnel has the lease no more: closed after 1.5 s", { found }, (at) => {
  at(0).client.does("asks");
  at("5 ms").gateway.answers();
  at("5 ms").client.does("DHCPREQUEST requested=172.29.0.20");
  at("205 ms +- 50 ms").client.does("DHCPREQUEST requested=172.29.0.20");
  at("705 ms +- 175 ms").client.does("DHCPREQUEST requested=172.29.0.20");
  at("1505 ms").client.does("kernel closed");
  at("1505 ms").client.does("resolves");
  at("1505 ms").client.does("kernel discovering");
});

clientScenario("another holds the address by now: closed before the new one is used", { found }, (at) => {
  at(0).client.does("asks");
  at("5 ms").gateway.answers();
  at("5 ms").client.does("DHCPREQUEST requested=172.29.0.20");
  at("6 ms").gateway.sends("DHCPNAK server=172.29.0.1");
  at("6 ms").client.does("DHCPDISCOVER");
  at("7 ms").gateway.sends(`DHCPACK rapid yiaddr=172.29.0.21 ${leaseOptions}`);
  at("7 ms").client.does("kernel closed");
  at("7 ms").client.does("resolves");
  at("7 ms").client.does("kernel discovering");
});

clientScenario("start: a stop leaves the tunnel to the next process", { mode: "start" }, (at) => {
  starts(at);
  at("5 s").client.isStopped();
  at("5 s").client.does("exits: stopped");
  at("1000 s").client.isSilent();
});

clientScenario("run: a stop gives the address back and closes for good, once", {}, (at) => {
  starts(at);
  at("5 s").kernel.isSlow();
  at("5 s").client.isStopped();
  at("5 s").client.does("DHCPRELEASE ciaddr=172.29.0.20");
  at("5 s").client.does("info closed: stopped");
  at("5.5 s").client.isStopped();
  at("6 s").kernel.finishes();
  at("6 s").client.does("kernel closed for-good");
  at("6 s").client.does("exits: stopped");
  at("1000 s").client.isSilent();
});

clientScenario("run: a stop while a found tunnel is asked for takes it away", { found }, (at) => {
  at(0).client.does("asks");
  at("1 s").client.isStopped();
  at("1 s").client.does("info closed: stopped");
  at("1 s").client.does("kernel closed for-good");
  at("1 s").client.does("exits: stopped");
});

clientScenario("run: a stop ends even where the kernel refuses", {}, (at) => {
  starts(at);
  at("5 s").kernel.refuses("no lock");
  at("5 s").client.isStopped();
  at("5 s").client.does("DHCPRELEASE");
  at("5 s").client.does("info closed: stopped");
  at("5 s").client.does("exits: stopped");
});
