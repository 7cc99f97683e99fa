/** Addresses whose holders are still there although their leases have ended: the server looks before it needs them. */
import { first, one, second, serverScenario, third, two } from "./dhcp_server_dialogue.ts";

serverScenario(
  "whose lease has ended and who is still there keeps the address",
  { ...one, leaseSeconds: 100 },
  (at) => {
    at("0 s").client.sends(`DHCPDISCOVER rapid ${first}`);
    at("110 s").server.looks(first);
    at("111 s").client.sends(`DHCPDISCOVER rapid ${second}`);
    at("111 s").server.isSilent("pool exhausted");
    at("111 s").client.sends(`DHCPREQUEST requested=172.29.0.20 ${second}`);
    at("111 s").server.sends("DHCPNAK");
    // It is not lost to its holder.
    at("112 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.20 ${first}`);
    at("112 s").server.sends("DHCPACK yiaddr=172.29.0.20");
    at("220 s").server.looks(first);
    at("230 s").server.looks();
    at("231 s").client.sends(`DHCPDISCOVER rapid ${second}`);
    at("231 s").server.sends("DHCPACK yiaddr=172.29.0.20");
    at("340 s").server.looks();
    at("341 s").client.sends(`DHCPDISCOVER rapid ${first}`);
    at("341 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  },
);

serverScenario(
  "who gave an address back and uses it still keeps it from others",
  { ...two, leaseSeconds: 100 },
  (at) => {
    at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.20 ${first}`);
    at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.21 ${second}`);
    at("10 s").client.sends(`DHCPRELEASE ciaddr=172.29.0.20 server=172.29.0.1 ${first}`);
    at("20 s").server.looks(first, second);
    at("21 s").client.sends(`DHCPDISCOVER ${third}`);
    at("21 s").server.isSilent("pool exhausted");
    at("30 s").server.looks(second);
    at("31 s").client.sends(`DHCPDISCOVER ${third}`);
    at("31 s").server.sends("DHCPOFFER yiaddr=172.29.0.20");
  },
);

serverScenario("a stranger who is still there when ten minutes are over keeps the address for ten more", one, (at) => {
  at("0 s").server.sees("172.29.0.20", "02:78:00:00:00:01");
  at("590 s").server.looks(first);
  at("601 s").client.sends(`DHCPDISCOVER ${second}`);
  at("601 s").server.isSilent("pool exhausted");
  at("1180 s").server.looks();
  at("1191 s").client.sends(`DHCPDISCOVER ${second}`);
  at("1191 s").server.sends("DHCPOFFER yiaddr=172.29.0.20");
});
