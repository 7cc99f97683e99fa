/** Who a message is of: identifiers, hardware addresses, relays. */
import { first, one, second, serverScenario, two } from "./dhcp_server_dialogue.ts";

serverScenario("the client identifier is sent back (RFC 6842), in a NAK too", one, (at) => {
  at("0 s").client.sends("DHCPDISCOVER id=00:01:02:03");
  at("0 s").server.sends("DHCPOFFER id=00:01:02:03");
  at("0 s").client.sends("DHCPREQUEST id=00:01:02:03 requested=172.29.0.99");
  at("0 s").server.sends("DHCPNAK id=00:01:02:03 to=broadcast");
  at("0 s").client.sends("DHCPDISCOVER");
  at("0 s").server.sends("DHCPOFFER no-id");
});

serverScenario("the identifier counts, not the hardware address", two, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid id=00:01 ${first} requested=172.29.0.20`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  at("1 s").client.sends(`DHCPDISCOVER rapid id=00:01 ${second}`);
  at("1 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  at("2 s").client.sends(`DHCPDISCOVER rapid id=00:02 ${first}`);
  at("2 s").server.sends("DHCPACK yiaddr=172.29.0.21");
});

serverScenario("a relay inside the network is answered at its address, any other is not (section 4.1)", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER giaddr=172.29.0.9 82=01:02:aa:bb requested=172.29.0.20");
  at("0 s").server.sends("DHCPOFFER giaddr=172.29.0.9 82=01:02:aa:bb no-broadcast to=relay:172.29.0.9");
  at("0 s").client.sends("DHCPREQUEST giaddr=172.29.0.9 requested=10.0.0.1");
  at("0 s").server.sends("DHCPNAK broadcast to=relay:172.29.0.9");
  at("0 s").client.sends("DHCPDISCOVER giaddr=10.0.0.9");
  at("0 s").server.isSilent("foreign relay");
});

serverScenario("a client behind a relay: renewal, decline, release, and whose address that was", one, (at) => {
  const relay = "giaddr=172.29.0.9";
  at("0 s").client.sends(`DHCPDISCOVER ${relay} ${first}`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.20 to=relay:172.29.0.9");
  at("0 s").client.sends(`DHCPREQUEST ${relay} requested=172.29.0.20 server=172.29.0.1 ${first}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20 to=relay:172.29.0.9");
  at("1 s").client.sends(`DHCPREQUEST ${relay} ciaddr=172.29.0.20 ${first}`);
  at("1 s").server.sends("DHCPACK ciaddr=172.29.0.20 to=relay:172.29.0.9");
  at("2 s").client.sends(`DHCPRELEASE ${relay} ciaddr=172.29.0.20 server=172.29.0.1 ${first}`);
  at("2 s").server.writes("released 172.29.0.20");
  at("3 s").client.sends(`DHCPDISCOVER rapid ${relay} ${second}`);
  at("3 s").server.sends("DHCPACK yiaddr=172.29.0.20 to=relay:172.29.0.9");
  at("4 s").client.sends(`DHCPDECLINE ${relay} requested=172.29.0.20 server=172.29.0.1 ${second}`);
  at("4 s").server.writes("declined 172.29.0.20");
});

serverScenario("what the fields of a DISCOVER say is not believed or sent back", one, (at) => {
  at("0 s").client.sends("DHCPDISCOVER ciaddr=172.29.0.77 siaddr=172.29.0.78 yiaddr=172.29.0.79");
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.20 no-ciaddr no-siaddr");
});

serverScenario("who may release: the identifier counts, and not the hardware address that it came from", one, (at) => {
  const id = "id=00:1f:d0:04:01:11";
  at("0 s").client.sends(`DHCPDISCOVER rapid ${id} ${first}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  const release = "DHCPRELEASE ciaddr=172.29.0.20 server=172.29.0.1";
  at("1 s").client.sends(`${release} id=00:1f:d0:11:22:33 ${first}`);
  at("1 s").server.isSilent("nothing to do");
  at("1 s").client.sends(`${release} id=00:1f:d0:11:22:33 ${second}`);
  at("1 s").server.isSilent("nothing to do");
  at("1 s").client.sends(`${release} ${first}`);
  at("1 s").server.isSilent("nothing to do");
  at("2 s").client.sends(`DHCPDISCOVER id=00:1f:d0:11:22:33 ${first}`);
  at("2 s").server.isSilent("pool exhausted");
  at("3 s").client.sends(`${release} ${id} ${second}`);
  at("3 s").server.writes("released 172.29.0.20");
});
