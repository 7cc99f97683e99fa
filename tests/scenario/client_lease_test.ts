/** What others do to the client's lease: use its address, or answer in its gateway's place. */
import { clientScenario, findsGateway, leaseOptions, reachesGateway, starts } from "./client_dialogue.ts";

const stranger = "02:00:00:00:00:66";
const conflict = `used by another host, ${stranger}`;

clientScenario("another host has the address: closed, declined, and another one at once", {}, (at) => {
  starts(at);
  at("1 s").kernel.seesConflict(stranger);
  at("1 s").client.does(`warn closed: the leased address 172.29.0.20 is ${conflict}`);
  at("1 s").client.does("DHCPDECLINE requested=172.29.0.20 server=172.29.0.1");
  at("1 s").client.does("DHCPDISCOVER no-requested");
  at("1 s").client.does("kernel leasing via=172.20.1.6");
  at("1.01 s").gateway.sends(`DHCPACK rapid yiaddr=172.29.0.21 ${leaseOptions}`);
  at("1.01 s").client.does("info address leased: 172.29.0.21");
  at("1.01 s").client.does("kernel verifying as=172.29.0.21");
  at("1.01 s").client.does("probes");
  at("1.02 s").gateway.answersProbe();
  at("1.02 s").client.does("resolv.conf");
  at("1.02 s").client.does("kernel open as=172.29.0.21");
  at("1.02 s").client.does("info open: through 172.20.1.6 as 172.29.0.21");
  // And so has it that one: not in circles, but after ten seconds.
  at("2 s").kernel.seesConflict(stranger);
  at("2 s").client.does(`warn closed: the leased address 172.29.0.21 is ${conflict}`);
  at("2 s").client.does("DHCPDECLINE requested=172.29.0.21");
  at("2 s").client.does("kernel leasing");
  at("10.9 s").client.isSilent();
  at("11 s").client.does("DHCPDISCOVER");
});

clientScenario("the Pod has the address on another interface: declined", { ownAddresses: ["172.29.0.20"] }, (at) => {
  findsGateway(at);
  at(0).client.does("DHCPDISCOVER");
  at(0).gateway.sends(`DHCPACK rapid yiaddr=172.29.0.20 ${leaseOptions}`);
  at(0).client.does("warn a DHCP answer of 172.29.0.1 is ignored: the address is one of this host's own");
  at(0).client.does("DHCPDECLINE requested=172.29.0.20");
  at(0).client.does("DHCPDISCOVER no-requested");
  at(0).gateway.sends(`DHCPACK rapid yiaddr=172.29.0.21 ${leaseOptions}`);
  at(0).client.does("info address leased: 172.29.0.21");
  at(0).client.does("kernel verifying as=172.29.0.21");
  at(0).client.does("probes");
});

clientScenario("the conflict is seen before the tunnel was ever open", {}, (at) => {
  findsGateway(at);
  at(0).client.does("DHCPDISCOVER");
  at(0).gateway.sends(`DHCPACK rapid yiaddr=172.29.0.20 ${leaseOptions}`);
  at(0).client.does("info address leased: 172.29.0.20");
  at(0).client.does("kernel verifying as=172.29.0.20");
  at(0).client.does("probes");
  at("1 ms").kernel.seesConflict(stranger);
  at("1 ms").client.does("warn closed: the leased address 172.29.0.20");
  at("1 ms").client.does("DHCPDECLINE requested=172.29.0.20");
  at("1 ms").client.does("DHCPDISCOVER");
  at("1 ms").client.does("kernel leasing");
});

clientScenario("while it moves: closed, and again at SERVICE", {}, (at) => {
  starts(at);
  at("1 s").gateway.notifies({ draining: true });
  at("1 s").client.does("info moving:");
  at("1 s").client.does("resolves");
  at("1.1 s").kernel.seesConflict(stranger);
  at("1.1 s").client.does(`warn closed: the leased address 172.29.0.20 is ${conflict}`);
  at("1.1 s").client.does("resolves");
  at("1.1 s").client.does("kernel discovering");
});

clientScenario(
  "a second server in the tunnel is told of once, and not obeyed, whatever it says that it is",
  {},
  (at) => {
    at(0).client.does("kernel closed");
    reachesGateway(at, 0);
    at(0).gateway.answers();
    at(0).client.does("info gateway found:");
    at(0).client.does("kernel leasing");
    at(0).client.does("DHCPDISCOVER");
    const offer = "yiaddr=172.29.0.99 lease=60";
    at("1 ms").gateway.sends(`DHCPOFFER ${offer} server=172.29.0.66`, "172.29.0.66");
    at("1 ms").client.does(
      "warn a DHCP answer of 172.29.0.66 is ignored: it is not the server that was chosen, 172.29.0.1",
    );
    at("2 ms").gateway.sends(`DHCPACK rapid ${offer} server=172.29.0.66`, "172.29.0.66");
    // In the gateway's name.
    at("3 ms").gateway.sends(`DHCPACK rapid ${offer} server=172.29.0.1`, "172.29.0.66");
    at("4 ms").gateway.sends(`DHCPOFFER ${offer} server=172.29.0.67`);
    at("4 ms").client.does("warn a DHCP answer of 172.29.0.67 is ignored:");
    at("5 ms").gateway.sends(`DHCPACK rapid yiaddr=172.29.0.20 ${leaseOptions}`);
    at("5 ms").client.does("info address leased: 172.29.0.20");
    at("5 ms").client.does("kernel verifying as=172.29.0.20");
    at("5 ms").client.does("probes");
  },
);

clientScenario("a second server that is slower than the gateway is told of as well", {}, (at) => {
  starts(at);
  at("1 ms").gateway.sends("DHCPOFFER yiaddr=172.29.0.99 server=172.29.0.66 lease=60", "172.29.0.66");
  at("1 ms").client.does("warn a DHCP answer of 172.29.0.66 is ignored:");
});
