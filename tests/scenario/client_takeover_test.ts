import { clientScenario, found, leaseOptions, starts } from "./client_dialogue.ts";
import type { At } from "./client_dialogue.ts";

/** The process finds an open Pod: it watches the gateway, and asks it for its settings. */
function takesOver(at: At): void {
  at(0).client.does("kernel moving 172.20.1.6 via=172.20.1.6 as=172.29.0.20 no-next");
  at(0).client.does("probes 172.29.0.1 by-dns");
  at(0).client.does("asks 172.20.1.6:3150 no-avoid");
}

clientScenario("an open Pod is taken over: it stays open while its gateway confirms the address", { found }, (at) => {
  takesOver(at);
  at("4 ms").gateway.answersProbe({ dns: true });
  at("5 ms").gateway.answers();
  at("5 ms").client.does("kernel moving via=172.20.1.6 next=172.20.1.6 as=172.29.0.20");
  at("5 ms").client.does("DHCPREQUEST requested=172.29.0.20 no-server");
  at("6 ms").gateway.sends(`DHCPACK yiaddr=172.29.0.20 ${leaseOptions}`);
  at("6 ms").client.does("resolv.conf 172.29.0.1");
  at("6 ms").client.does("kernel open via=172.20.1.6 as=172.29.0.20");
  at("6 ms").client.does("info open: through 172.20.1.6 as 172.29.0.20");
  at("10 s").client.isSilent();
  at("10.006 s").client.does("probes no-by-dns");
});

clientScenario("the gateway of a found tunnel is gone: closed after three misses, and all anew", { found }, (at) => {
  takesOver(at);
  at("200 ms").client.does("probes");
  at("400 ms").client.does("probes");
  at("600 ms").client.does("warn closed: the gateway 172.20.1.6 answers no longer");
  at("600 ms").client.does("resolves");
  at("600 ms").client.does("kernel discovering");
  at("700 ms").dns.answers("172.20.1.6");
  at("700 ms").client.does("kernel discovering 172.20.1.6");
  at("700 ms").client.does("asks 172.20.1.6:80 avoid=172.20.1.6");
});

clientScenario(
  "the gateway of a found tunnel works, but does not answer: one is looked for at SERVICE",
  { found },
  (at) => {
    takesOver(at);
    at("1 ms").gateway.answersProbe({ dns: true });
    at("500 ms").gateway.isSilent("nobody answers");
    at("500 ms").client.does("warn the next gateway is not found yet: nobody answers");
    at("500 ms").client.does("kernel moving via=172.20.1.6");
    at("575 ms +- 25 ms").client.does("resolves");
  },
);

clientScenario("the gateway of a found tunnel has no way out: closed", { found }, (at) => {
  takesOver(at);
  at("5 ms").gateway.answers({ healthy: false });
  at("5 ms").client.does("warn closed: the gateway 172.20.1.6 has no way out at present");
  at("5 ms").client.does("resolves");
  at("5 ms").client.does("kernel discovering");
});

clientScenario("the gateway of a found tunnel is about to stop: another one is looked for", { found }, (at) => {
  takesOver(at);
  at("5 ms").gateway.answers({ draining: true });
  at("5 ms").client.does("warn the next gateway is not found yet: the gateway 172.20.1.6 is about to stop");
  at("5 ms").client.does("kernel moving via=172.20.1.6");
  at("80 ms +- 25 ms").client.does("resolves");
});

clientScenario(
  "what was found is renewed after half of what is left of it, as long as its gateway is not heard over HTTP",
  { found: { ...found, lease: { ...found.lease, expiresAt: 1_900 } } },
  (at) => {
    takesOver(at);
    at("1 ms").gateway.answersProbe({ dns: true });
    at("950 ms").client.does("DHCPREQUEST ciaddr=172.29.0.20 no-requested no-server");
    at("960 ms").gateway.sends(`DHCPACK yiaddr=172.29.0.20 ${leaseOptions}`);
    at("960 ms").client.does("kernel moving 172.20.1.6 as=172.29.0.20 until=3600950");
    at("1 s").client.isSilent();
  },
);

clientScenario("another host has the address that was found: closed", { found }, (at) => {
  takesOver(at);
  at("1 ms").kernel.seesConflict("02:00:00:00:00:66");
  at("1 ms").client.does("warn closed: the leased address 172.29.0.20 is used by another host, 02:00:00:00:00:66");
  at("1 ms").client.does("resolves");
  at("1 ms").client.does("kernel discovering");
});

clientScenario("another holds the address by now: the new one is used", { found }, (at) => {
  takesOver(at);
  at("5 ms").gateway.answers();
  at("5 ms").client.does("kernel moving next=172.20.1.6");
  at("5 ms").client.does("DHCPREQUEST requested=172.29.0.20");
  at("6 ms").gateway.sends("DHCPNAK server=172.29.0.1");
  at("6 ms").client.does("DHCPDISCOVER");
  at("7 ms").gateway.sends(`DHCPACK rapid yiaddr=172.29.0.21 ${leaseOptions}`);
  at("7 ms").client.does("resolv.conf");
  at("7 ms").client.does("kernel open via=172.20.1.6 as=172.29.0.21");
  at("7 ms").client.does("info open:");
});

clientScenario(
  "what was found has other settings than the gateway by now: closed, and on with them",
  { found },
  (at) => {
    takesOver(at);
    at("5 ms").gateway.answers({ vxlanId: 77 });
    at("5 ms").client.does("warn closed: the gateway 172.20.1.6 has another overlay than the one before");
    at("5 ms").client.does("kernel leasing via=172.20.1.6");
    at("5 ms").client.does("DHCPREQUEST requested=172.29.0.20");
  },
);

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

clientScenario(
  "run: a stop while a found tunnel is asked for gives its address back and takes it away",
  { found },
  (at) => {
    takesOver(at);
    at("100 ms").client.isStopped();
    at("100 ms").client.does("DHCPRELEASE ciaddr=172.29.0.20 server=172.29.0.1");
    at("100 ms").client.does("info closed: stopped");
    at("100 ms").client.does("kernel closed for-good");
    at("100 ms").client.does("exits: stopped");
  },
);

clientScenario("run: a stop ends even where the kernel refuses", {}, (at) => {
  starts(at);
  at("5 s").kernel.refuses("no lock");
  at("5 s").client.isStopped();
  at("5 s").client.does("DHCPRELEASE");
  at("5 s").client.does("info closed: stopped");
  at("5 s").client.does("exits: stopped");
});
