/** Going from one gateway to the next, or to the same one anew, while the Pod stays open. */

import { type At, clientScenario, leaseOptions, other, starts } from "./client_dialogue.ts";

const reboot = "DHCPREQUEST requested=172.29.0.20 no-server";
const ack = `DHCPACK yiaddr=172.29.0.20 ${leaseOptions}`;

/** The gateway drains, and another one is found behind SERVICE. */
function findsNext(at: At): void {
  starts(at);
  at("3 s").gateway.notifies({ draining: true });
  at("3 s").client.does("info moving: the gateway 172.20.1.6 is about to stop");
  at("3 s").client.does("resolves");
  at("3.01 s").dns.answers(other);
  at("3.01 s").client.does(`kernel moving ${other} via=172.20.1.6 no-next`);
  at("3.01 s").client.does(`asks ${other}:80 avoid=172.20.1.6`);
}

/** The other gateway answers, and is asked for the same address. */
function asksNext(at: At): void {
  findsNext(at);
  at("3.02 s").gateway.answers({ podAddress: other });
  at("3.02 s").client.does(`info gateway found: ${other}`);
  at("3.02 s").client.does(`kernel moving via=172.20.1.6 next=${other} as=172.29.0.20`);
  at("3.02 s").client.does(reboot);
}

clientScenario(
  "the gateway is about to stop: the next one is asked, leased from and switched to, never closed",
  {},
  (at) => {
    asksNext(at);
    at("3.03 s").gateway.sends(ack);
    at("3.03 s").client.does("info address leased: 172.29.0.20");
    at("3.03 s").client.does("DHCPRELEASE ciaddr=172.29.0.20");
    at("3.03 s").client.does("resolv.conf 172.29.0.1");
    at("3.03 s").client.does(`kernel open via=${other} as=172.29.0.20`);
    at("3.03 s").client.does(`info open: through ${other} as 172.29.0.20`);
    at("13 s").client.isSilent();
    at("13.03 s").client.does("probes");
  },
);

clientScenario("the answer to a probe says that the gateway is about to stop: the same", {}, (at) => {
  starts(at);
  at("10 s").client.does("probes");
  at("10.01 s").gateway.answersProbe({ draining: true });
  at("10.01 s").client.does("info moving: the gateway 172.20.1.6 is about to stop");
  at("10.01 s").client.does("resolves");
});

clientScenario("the next gateway has another address for it: switched to all the same", {}, (at) => {
  asksNext(at);
  at("3.03 s").gateway.sends("DHCPNAK server=172.29.0.1");
  at("3.03 s").client.does("DHCPDISCOVER");
  at("3.04 s").gateway.sends(`DHCPACK rapid yiaddr=172.29.0.33 ${leaseOptions}`);
  at("3.04 s").client.does("info address leased: 172.29.0.33");
  at("3.04 s").client.does("DHCPRELEASE ciaddr=172.29.0.20");
  at("3.04 s").client.does("resolv.conf");
  at("3.04 s").client.does(`kernel open via=${other} as=172.29.0.33`);
  at("3.04 s").client.does("info open:");
});

clientScenario("another host has the new address: that is heard of before the kernel takes it", {}, (at) => {
  asksNext(at);
  at("3.03 s").gateway.sends("DHCPNAK server=172.29.0.1");
  at("3.03 s").client.does("DHCPDISCOVER");
  at("3.04 s").kernel.isSlow();
  at("3.04 s").gateway.sends(`DHCPACK rapid yiaddr=172.29.0.33 ${leaseOptions}`);
  at("3.04 s").client.does("info address leased: 172.29.0.33");
  at("3.04 s").client.does("DHCPRELEASE ciaddr=172.29.0.20");
  at("3.04 s").client.does("resolv.conf");
  at("3.041 s").kernel.seesConflict("02:00:00:00:00:66");
  at("3.041 s").client.does("warn closed: the leased address 172.29.0.33 is used by another host, 02:00:00:00:00:66");
  at("3.041 s").client.does("DHCPDECLINE requested=172.29.0.33");
});

clientScenario(
  "nothing comes from the next gateway through the tunnel: it is left out, and the search goes on",
  {},
  (at) => {
    asksNext(at);
    at("3.22 s +- 50 ms").client.does(reboot);
    at("3.72 s +- 200 ms").client.does(reboot);
    at("4 s").client.does("probes 172.29.0.1");
    at("4 s").gateway.answersProbe({ draining: true });
    at("4.72 s +- 300 ms").client.does("DHCPDISCOVER");
    at("4.92 s +- 300 ms").client.does("DHCPDISCOVER");
    at("5 s").client.does("probes");
    at("5 s").gateway.answersProbe({ draining: true });
    at("5.02 s").client.does("warn the next gateway is not found yet: UDP port 4789");
    at("5.02 s").client.does("kernel moving via=172.20.1.6 no-next");
    at("5.1 s +- 30 ms").client.does("resolves");
    at("5.2 s").dns.answers(other);
    at("5.2 s").client.does(`kernel moving ${other}`);
    at("5.2 s").client.does(`asks ${other}:80 avoid=${other}`);
  },
);

clientScenario("no other gateway is there yet: asked for again and again, through the old one meanwhile", {}, (at) => {
  findsNext(at);
  at("3.1 s").gateway.answers({ draining: true });
  at("3.1 s").client.does("warn the next gateway is not found yet: the gateway 172.20.1.6 is about to stop");
  at("3.1 s").client.does("kernel moving via=172.20.1.6");
  at("3.175 s +- 25 ms").client.does("resolves");
  at("3.2 s").dns.fails("no such name");
  at("3.2 s").client.does("warn the next gateway is not found yet: no such name");
  at("3.35 s +- 50 ms").client.does("resolves");
});

clientScenario("the old gateway is gone before the next one is found: closed, and on at SERVICE", {}, (at) => {
  findsNext(at);
  at("4 s").client.does("probes");
  at("4.2 s").client.does("probes");
  at("4.4 s").client.does("probes");
  at("4.6 s").client.does("warn closed: the gateway 172.20.1.6 answers no longer");
  at("4.6 s").client.does("resolves");
  at("4.6 s").client.does("kernel discovering");
});

clientScenario(
  "the old gateway loses its way out when the next one is known: closed, and on with the next one",
  {},
  (at) => {
    asksNext(at);
    at("3.1 s").gateway.notifies({ draining: true, healthy: false });
    at("3.1 s").client.does("warn closed: the gateway 172.20.1.6 has lost its way out");
    at("3.1 s").client.does(`kernel leasing via=${other}`);
    at("3.1 s").client.does(reboot);
  },
);

clientScenario("the next gateway has another overlay: closed, and on with it", {}, (at) => {
  findsNext(at);
  at("3.02 s").gateway.answers({ podAddress: other, vxlanId: 77 });
  at("3.02 s").client.does(`info gateway found: ${other}`);
  at("3.02 s").client.does(`warn closed: the gateway ${other} has another overlay than the one before`);
  at("3.02 s").client.does(`kernel leasing via=${other}`);
  at("3.02 s").client.does(reboot);
});

clientScenario("the kernel refuses the switch: closed, and all anew", {}, (at) => {
  asksNext(at);
  at("3.03 s").kernel.refuses("no remote");
  at("3.03 s").gateway.sends(ack);
  at("3.03 s").client.does("info address leased: 172.29.0.20");
  at("3.03 s").client.does("DHCPRELEASE");
  at("3.03 s").client.does("resolv.conf");
  at("3.03 s").client.does("warn the Pod is closed: no remote");
});

clientScenario("its lease is renewed while it moves", { watch: { intervalMs: 86_400_000, misses: 3 } }, (at) => {
  starts(at);
  at("1755 s +- 45 s").client.does("DHCPREQUEST ciaddr=172.29.0.20");
  at("2600 s").client.wakesUp();
  at("2600 s").client.does("DHCPREQUEST ciaddr=172.29.0.20");
  at("2874.5 s").gateway.notifies({ draining: true });
  at("2874.5 s").client.does("info moving:");
  at("2874.5 s").client.does("resolves");
  at("2875 s").client.does("DHCPREQUEST ciaddr=172.29.0.20 no-requested no-server");
  at("2875.01 s").gateway.sends(ack);
  at("2875.01 s").client.does("kernel moving via=172.20.1.6 as=172.29.0.20 until=6475000");
  at("2875.4 s").client.isSilent();
});

clientScenario(
  "what is asked of all is asked of one: the next lease of the next gateway, the present one of the present gateway",
  { watch: { intervalMs: 86_400_000, misses: 3 } },
  (at) => {
    starts(at);
    at("1755 s +- 45 s").client.does("DHCPREQUEST ciaddr=172.29.0.20 to=172.29.0.1");
    at("3149.5 s").client.wakesUp();
    at("3149.5 s").client.does("DHCPREQUEST ciaddr=172.29.0.20 to=172.29.0.1");
    at("3149.5 s").gateway.notifies({ draining: true });
    at("3149.5 s").client.does("info moving:");
    at("3149.5 s").client.does("resolves");
    at("3149.6 s").dns.answers(other);
    at("3149.6 s").client.does(`kernel moving ${other}`);
    at("3149.6 s").client.does(`asks ${other}:80`);
    at("3149.7 s").gateway.answers({ podAddress: other });
    at("3149.7 s").client.does(`info gateway found: ${other}`);
    at("3149.7 s").client.does(`kernel moving via=172.20.1.6 next=${other}`);
    at("3149.7 s").client.does(`${reboot} at=${other}`);
    at("3149.9 s +- 50 ms").client.does(`${reboot} at=${other}`);
    at("3150 s").client.does("DHCPREQUEST ciaddr=172.29.0.20 no-requested at=172.20.1.6");
  },
);

clientScenario(
  "the lease is refused while it moves: closed",
  { watch: { intervalMs: 86_400_000, misses: 3 } },
  (at) => {
    starts(at);
    at("1755 s +- 45 s").client.does("DHCPREQUEST ciaddr=172.29.0.20");
    at("1800 s").gateway.notifies({ draining: true });
    at("1800 s").client.does("info moving:");
    at("1800 s").client.does("resolves");
    at("1800.01 s").gateway.sends("DHCPNAK server=172.29.0.1");
    at("1800.01 s").client.does("warn closed: the lease is lost: refused");
    at("1800.01 s").client.does("resolves");
    at("1800.01 s").client.does("kernel discovering");
  },
);

clientScenario("the lease ends while it moves: closed", { watch: { intervalMs: 86_400_000, misses: 3 } }, (at) => {
  starts(at);
  at("1755 s +- 45 s").client.does("DHCPREQUEST ciaddr=172.29.0.20");
  at("3599.5 s").client.wakesUp();
  at("3599.5 s").client.does("DHCPREQUEST ciaddr=172.29.0.20");
  at("3599.5 s").gateway.notifies({ draining: true });
  at("3599.5 s").client.does("info moving:");
  at("3599.5 s").client.does("resolves");
  at("3600 s").client.does("warn closed: the lease is lost: expired");
  at("3600 s").client.does("resolves");
  at("3600 s").client.does("kernel discovering");
});

clientScenario("the gateway was restarted: its lease is confirmed while packets pass", {}, (at) => {
  const restarted = { instance: "22".repeat(16) };
  starts(at);
  at("3 s").gateway.notifies(restarted);
  at("3 s").client.does("info moving: the gateway 172.20.1.6 was restarted");
  at("3 s").client.does("kernel moving 172.20.1.6 via=172.20.1.6 no-next");
  at("3 s").client.does("asks 172.20.1.6:3150 no-avoid");
  at("3.01 s").gateway.answers(restarted);
  at("3.01 s").client.does("kernel moving next=172.20.1.6");
  at("3.01 s").client.does(reboot);
  at("3.02 s").gateway.sends(ack);
  at("3.02 s").client.does("resolv.conf");
  at("3.02 s").client.does("kernel open via=172.20.1.6 as=172.29.0.20");
  at("3.02 s").client.does("info open:");
  at("13.02 s").client.does("probes");
  at("13.03 s").gateway.answersProbe(restarted);
  at("23 s").client.isSilent();
});

clientScenario(
  "no program answers in the gateway's Pod: another one is looked for, through the old one meanwhile",
  {},
  (at) => {
    starts(at);
    at("10 s").client.does("probes");
    at("10.001 s").gateway.refusesProbe("noProgram");
    at("10.001 s").client.does("info moving: no program answers in the gateway 172.20.1.6");
    at("10.001 s").client.does("resolves");
    at("11.001 s").client.does("probes");
    at("11.002 s").gateway.refusesProbe("noProgram");
    at("12.002 s").client.does("probes");
    // It is back, and the only one.
    at("12.003 s").gateway.answersProbe({ instance: "22".repeat(16) });
    at("12.1 s").dns.answers("172.20.1.6");
    at("12.1 s").client.does("kernel moving 172.20.1.6");
    at("12.1 s").client.does("asks 172.20.1.6:80 avoid=172.20.1.6");
    at("12.11 s").gateway.answers({ instance: "22".repeat(16) });
    at("12.11 s").client.does("kernel moving next=172.20.1.6");
    at("12.11 s").client.does(reboot);
    at("12.12 s").gateway.sends(ack);
    at("12.12 s").client.does("resolv.conf");
    at("12.12 s").client.does("kernel open");
    at("12.12 s").client.does("info open:");
  },
);

/** The probes from `t` on have no answer, but a connection is taken. */
function stalls(at: At, t: number): void {
  for (const after of [0, 200, 400]) at(t + after).client.does("probes");
  at(t + 410).gateway.takesConnection();
  at(t + 600).client.does("probes");
}

clientScenario("the gateway's program is held up for a moment: nothing is done", {}, (at) => {
  starts(at);
  stalls(at, 10_000);
  at("10.61 s").gateway.takesConnection();
  at("11.6 s").client.does("probes");
  at("11.61 s").gateway.answersProbe({ probesAgo: 2 });
  at("21.6 s").client.isSilent();
  at("21.61 s").client.does("probes");
});

clientScenario(
  "the gateway's program is held up for long: another one is looked for, through the old one meanwhile",
  {},
  (at) => {
    starts(at);
    stalls(at, 10_000);
    for (const t of [11_600, 12_600]) {
      at(t - 900).gateway.takesConnection();
      at(t).client.does("probes");
    }
    at("12.7 s").gateway.takesConnection();
    at("13.6 s").client.does("info moving: the program of the gateway 172.20.1.6 answers no longer");
    at("13.6 s").client.does("resolves");
    at("13.7 s").dns.fails("no such name");
    at("13.7 s").client.does("warn the next gateway is not found yet: no such name");
    at("13.8 s +- 30 ms").client.does("resolves");
    stalls(at, 14_600);
    // It takes nothing any more.
    at("16.2 s").client.does("warn closed: the gateway 172.20.1.6 answers no longer");
    at("16.2 s").client.does("resolves");
    at("16.2 s").client.does("kernel discovering");
  },
);

clientScenario("run: a stop while it moves gives the address back and closes", {}, (at) => {
  findsNext(at);
  at("3.1 s").client.isStopped();
  at("3.1 s").client.does("DHCPRELEASE ciaddr=172.29.0.20");
  at("3.1 s").client.does("info closed: stopped");
  at("3.1 s").client.does("kernel closed for-good");
  at("3.1 s").client.does("exits: stopped");
});
