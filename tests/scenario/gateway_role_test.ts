import { gatewayScenario, type Moment } from "./gateway_dialogue.ts";

type At = (when: string | number) => Moment;

/** From nothing to serving, in no time. */
function serves(at: At, obstacle?: string): void {
  at(0).gateway.does("observe");
  at(0).pod.isSeen("eth0", obstacle);
  at(0).kernel.obeys();
  at(0).gateway.does("serve");
  at(0).gateway.hasServed();
  at(0).gateway.does(obstacle === undefined ? "info serving" : `error clients cannot get out: ${obstacle}`);
  at(0).gateway.does("observe");
  at(0).pod.isSeen("eth0", obstacle);
}

gatewayScenario("serves once the kernel holds its network", {}, (at) => {
  at(0).gateway.does("observe");
  at(0).gateway.wants("anything");
  at("20 ms").pod.isSeen("eth0 tun0");
  at("20 ms").gateway.wants("vxlan3150 forwarding=eth0 forwarding=tun0 forwarding=vxlan3150 firewall");
  at("20 ms").gateway.isReady("its network does not stand yet");
  at("40 ms").gateway.isSilent();
  at("40 ms").kernel.obeys();
  at("40 ms").gateway.does("serve");
  at("40 ms").gateway.isReady("its network does not stand yet");
  at("50 ms").gateway.isSilent();
  at("50 ms").gateway.hasServed();
  at("50 ms").gateway.does("info serving");
  at("50 ms").gateway.isReady("yes");
  at("50 ms").gateway.does("observe");
  at("50 ms").pod.isSeen("eth0 tun0");
});

gatewayScenario("init ends when the network stands, and serves nothing", { mode: "init" }, (at) => {
  at(0).gateway.does("observe");
  at(0).pod.isSeen("eth0");
  at(0).kernel.obeys();
  at(0).gateway.does("info the gateway's network stands");
  at(0).gateway.does("exit");
});

gatewayScenario("the Pod cannot be seen: again each second, and says so once", {}, (at) => {
  at(0).gateway.does("observe");
  at(0).pod.isNotSeen("there is no default route");
  at(0).gateway.does("error the gateway waits: there is no default route");
  for (let second = 1; second < 5; second++) {
    at(second * 1000).gateway.does("observe");
    at(second * 1000).pod.isNotSeen("there is no default route");
  }
  at("5 s").gateway.does("observe");
  at("5 s").pod.isNotSeen("the interface 'eth0' has no IPv4 address");
  at("5 s").gateway.does("error the gateway waits: the interface 'eth0' has no IPv4 address");
  at("6 s").gateway.does("observe");
});

gatewayScenario("the kernel refuses: again each second, and says so once", {}, (at) => {
  at(0).gateway.does("observe");
  for (let second = 0; second < 5; second++) {
    at(second * 1000).pod.isSeen("eth0");
    at(second * 1000).kernel.refuses("another process holds the lock");
    if (second === 0) at(0).gateway.does("error the gateway waits: another process holds the lock");
    at(second * 1000 + 1000).gateway.does("observe");
  }
});

gatewayScenario("a VPN comes up, goes down and comes back: forwards, is unready, is ready", {}, (at) => {
  serves(at, "there is no interface 'tun0'");
  at("1 s").gateway.isReady("there is no interface 'tun0'");
  at("2 s").pod.changes();
  at("2 s").gateway.does("observe");
  at("2 s").pod.isSeen("eth0 tun0");
  at("2 s").gateway.does("info clients can get out again");
  at("2 s").gateway.isReady("yes");
  at("2 s").gateway.wants("vxlan3150 forwarding=eth0 forwarding=tun0 forwarding=vxlan3150 firewall");
  at("7 s").gateway.does("observe");
  at("7 s").pod.isSeen("eth0 tun0", "the VPN interface 'tun0' is down");
  at("7 s").gateway.does("error clients cannot get out: the VPN interface 'tun0' is down");
  at("7 s").gateway.isReady("the VPN interface 'tun0' is down");
  at("12 s").gateway.does("observe");
  at("12 s").pod.isSeen("eth0 tun0", "the VPN interface 'tun0' is down");
  at("17 s").gateway.does("observe");
  at("17 s").pod.isSeen("eth0 tun0");
  at("17 s").gateway.does("info clients can get out again");
});

gatewayScenario("a VPN that is up but leads nowhere: unready while nobody answers through it", {}, (at) => {
  serves(at);
  at("1 s").others.areSilent();
  at("1 s").gateway.isReady("yes");
  at("3 s").others.areSilent("targets");
  at("3 s").gateway.does("error clients are turned away: none of PGW_HEALTH_TARGETS answers through the VPN");
  at("3 s").gateway.isReady("none of PGW_HEALTH_TARGETS answers through the VPN");
  at("4 s").others.areSilent("dns", "targets");
  at("4 s").gateway.does("error clients are turned away: no DNS upstream answers");
  at("4 s").gateway.isReady("no DNS upstream answers");
  at("4.5 s").others.areSilent("dns", "targets");
  at("4.6 s").others.areSilent("dns");
  at("4.6 s").gateway.does("info it is no longer so that none of PGW_HEALTH_TARGETS answers through the VPN");
  at("4.7 s").others.areSilent();
  at("4.7 s").gateway.does("info it is no longer so that no DNS upstream answers");
  at("4.7 s").gateway.isReady("yes");
});

gatewayScenario("of several troubles the one that causes the others is told", {}, (at) => {
  serves(at, "the VPN interface 'tun0' is down");
  at("1 s").others.areSilent("dns");
  at("1 s").gateway.does("error clients are turned away: no DNS upstream answers");
  at("1 s").gateway.isReady("the VPN interface 'tun0' is down");
  at("1 s").kernel.refuses("no lock");
  at("1 s").gateway.does("error the network is not as it should be: no lock");
  at("1 s").gateway.isReady("no lock");
  at("1.5 s").kernel.refuses("no lock");
  at("2 s").kernel.obeys();
  at("2 s").gateway.does("info the network is as it should be again");
  at("2 s").gateway.isReady("the VPN interface 'tun0' is down");
});

gatewayScenario(
  "while it serves, what cannot be seen or set is said once, tried again, and makes it unready",
  {},
  (at) => {
    serves(at);
    at("5 s").gateway.does("observe");
    at("5 s").pod.isNotSeen("there is no default route");
    at("5 s").gateway.does("error clients cannot get out: the Pod's network is not known: there is no default route");
    at("5 s").gateway.isReady("the Pod's network is not known: there is no default route");
    at("5 s").gateway.wants("vxlan3150 forwarding=eth0 forwarding=vxlan3150 firewall");
    at("6 s").gateway.does("observe");
    at("6 s").pod.isNotSeen("there is no default route");
    at("6.5 s").kernel.refuses("no lock");
    at("6.5 s").gateway.does("error the network is not as it should be: no lock");
    at("7 s").gateway.does("observe");
    at("7 s").pod.isSeen("eth0");
    at("7 s").gateway.does("info clients can get out again");
    at("7 s").gateway.isReady("no lock");
    at("12 s").gateway.does("observe");
  },
);

gatewayScenario("run: a stop tells the clients, waits for them, and takes the device away", {}, (at) => {
  serves(at);
  at("1 s").gateway.isStopped();
  at("1 s").gateway.does("info draining: clients are told to move");
  at("1 s").gateway.isReady("it is about to stop");
  at("1 s").gateway.wants("vxlan3150 forwarding=eth0 forwarding=vxlan3150 firewall");
  at("1.9 s").kernel.obeys();
  at("1.9 s").gateway.isSilent();
  at("2 s").gateway.does("info stopped: not all clients have moved within PGW_DRAIN_TIME");
  at("2 s").gateway.wants("firewall");
  at("2 s").gateway.isReady("it is about to stop");
  at("2.1 s").kernel.obeys();
  at("2.1 s").gateway.does("exit");
  at("100 s").gateway.isSilent();
});

gatewayScenario("start: a stop drains and leaves the network to the next process", { mode: "start" }, (at) => {
  serves(at);
  at("1 s").gateway.isStopped();
  at("1 s").gateway.does("info draining");
  at("2 s").gateway.does("info stopped: not all clients have moved");
  at("2 s").gateway.does("exit");
  at("2 s").gateway.wants("anything");
});

gatewayScenario("the last client has moved: the end comes soon after, when its last packets have passed", {
  drainMs: 10_000,
}, (at) => {
  serves(at);
  at("1 s").gateway.isStopped();
  at("1 s").gateway.does("info draining");
  at("2 s").gateway.isDeserted();
  at("2.2 s").gateway.isDeserted();
  at("2.2 s").gateway.wants("vxlan3150 forwarding=eth0 forwarding=vxlan3150 firewall");
  at("2.3 s").gateway.does("info stopped: no client is left");
  at("2.3 s").gateway.wants("firewall");
  at("2.31 s").kernel.obeys();
  at("2.31 s").gateway.does("exit");
});

gatewayScenario(
  "the VPN goes down while it drains: nobody gets out any more, and it ends",
  { drainMs: 10_000 },
  (at) => {
    serves(at);
    at("1 s").gateway.isStopped();
    at("1 s").gateway.does("info draining");
    at("2 s").pod.changes();
    at("2 s").gateway.does("observe");
    at("2 s").pod.isSeen("eth0 tun0", "the VPN interface 'tun0' is down");
    at("2 s").gateway.does("error clients cannot get out: the VPN interface 'tun0' is down");
    at("2.3 s").gateway.does("info stopped: the VPN interface 'tun0' is down");
    at("2.3 s").gateway.wants("firewall");
  },
);

gatewayScenario("a stop while its sockets are opened ends it", {}, (at) => {
  at(0).gateway.does("observe");
  at(0).pod.isSeen("eth0");
  at(0).kernel.obeys();
  at(0).gateway.does("serve");
  at("1 ms").gateway.isStopped();
  at("1 ms").gateway.does("info stopped: told to");
  at("1 ms").gateway.wants("firewall");
  at("2 ms").kernel.obeys();
  at("2 ms").gateway.does("exit");
});

gatewayScenario("a second signal does not wait for the clients", {}, (at) => {
  serves(at);
  at("1 s").gateway.isStopped();
  at("1 s").gateway.does("info draining");
  at("1.2 s").gateway.isStopped();
  at("1.2 s").gateway.does("info stopped: told to once more");
  at("1.2 s").gateway.wants("firewall");
  at("1.2 s").kernel.refuses("no lock");
  at("1.2 s").gateway.does("exit");
});

gatewayScenario("a stop before anything stands ends at once", {}, (at) => {
  at(0).gateway.does("observe");
  at("1 s").gateway.isStopped();
  at("1 s").gateway.does("info stopped: told to");
  at("1 s").gateway.does("exit");
  at("2 s").pod.isSeen("eth0");
  at("100 s").gateway.isSilent();
});
