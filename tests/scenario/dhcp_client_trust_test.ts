/** What a client takes from a server, and what not. */
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { clientScenario, gateway, parameters } from "./dhcp_dialogue.ts";

clientScenario("a second server on the overlay is ignored, and reported once", gateway, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("1 ms").server.sends("DHCPOFFER yiaddr=172.29.0.99 server=172.29.0.66 lease=60");
  at("1 ms").client.does("ignored 172.29.0.66: it is not the server that was chosen, 172.29.0.1");
  at("2 ms").server.sends("DHCPOFFER yiaddr=172.29.0.98 server=172.29.0.66 lease=60");
  at("3 ms").server.sends("DHCPACK rapid yiaddr=172.29.0.98 server=172.29.0.66 lease=60");
  at("4 ms").server.sends("DHCPNAK server=172.29.0.66");
  at("5 ms").server.sends(`DHCPOFFER yiaddr=172.29.0.20 ${parameters}`);
  at("5 ms").client.sends("DHCPREQUEST requested=172.29.0.20");
});

clientScenario("however many servers there are, the reports have an end", gateway, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  for (let server = 0; server < 100; server++) {
    at("1 ms").server.sends(`DHCPOFFER yiaddr=172.29.0.99 server=10.0.0.${server} lease=60`);
    if (server < 16) at("1 ms").client.does(`ignored 10.0.0.${server}`);
  }
});

for (
  const [address, why] of [
    ["10.0.0.5", "the address is outside the network"],
    ["172.29.0.0", "the address is the network's or its broadcast"],
    ["172.29.0.255", "the address is the network's or its broadcast"],
    ["0.0.0.0", "it gives no address"],
  ] as const
) {
  clientScenario(`an offer of ${address} is refused: ${why}`, gateway, (at) => {
    at("0 s").client.sends("DHCPDISCOVER");
    at("1 ms").server.sends(`DHCPOFFER yiaddr=${address} ${parameters}`);
    at("1 ms").client.does(`ignored 172.29.0.1: ${why}`);
    at("2 ms").server.sends(`DHCPACK rapid yiaddr=${address} ${parameters}`);
    at("100 ms").client.isSilent();
  });
}

clientScenario(
  "an address that this host has on another interface is declined, so that the server gives another",
  { ...gateway, ownAddresses: [parseIpv4("172.29.0.77")] },
  (at) => {
    at("0 s").client.sends("DHCPDISCOVER rapid");
    at("1 ms").server.sends(`DHCPOFFER yiaddr=172.29.0.77 ${parameters}`);
    at("1 ms").client.sends("DHCPREQUEST requested=172.29.0.77 server=172.29.0.1");
    at("2 ms").server.sends(`DHCPACK yiaddr=172.29.0.77 ${parameters}`);
    at("2 ms").client.does("ignored 172.29.0.1: the address is one of this host's own");
    at("2 ms").client.does("lost conflict");
    at("2 ms").client.sends("DHCPDECLINE requested=172.29.0.77 server=172.29.0.1");
    at("2 ms").client.sends("DHCPDISCOVER no-requested");
    at("3 ms").server.sends(`DHCPACK rapid yiaddr=172.29.0.78 ${parameters}`);
    at("3 ms").client.does("bound 172.29.0.78/24");
  },
);

clientScenario("routes, a router elsewhere and a mask too wide are not taken (TunnelVision)", gateway, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("1 ms").server.sends(
    "DHCPACK rapid yiaddr=172.29.0.20 server=172.29.0.1 lease=60 mask=255.0.0.0 router=10.0.0.1 " +
      "33=08:08:08:08:0a:00:00:01 121=01:80:0a:00:00:01 249=01:80:0a:00:00:01 mtu=68",
  );
  at("1 ms").client.does("bound 172.29.0.20/24 expires=60s router=none dns=none mtu=none search=none");
});

clientScenario("an offer without lease time or server is none", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("1 ms").server.sends("DHCPOFFER yiaddr=172.29.0.20 server=172.29.0.1");
  at("1 ms").client.does("ignored 172.29.0.1: it names no lease time");
  at("2 ms").server.sends("DHCPOFFER yiaddr=172.29.0.20 lease=60");
  at("3 ms").server.sends("DHCPOFFER yiaddr=172.29.0.20 server=172.29.0.3 lease=0");
  at("3 ms").client.does("ignored 172.29.0.3: it names no lease time");
});

clientScenario("names that are no names do not reach resolv.conf", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("1 ms").server.sends("DHCPACK rapid yiaddr=172.29.0.20 server=172.29.0.1 lease=60 15=61:0a:62");
  at("1 ms").client.does("bound 172.29.0.20/32 expires=60s router=none dns=none mtu=none search=none");
});
