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

/** By a relay inside the network, which clients of ours have not. */
const relay = "giaddr=172.29.0.9";
const relayed = "mac=00:0c:01:02:03:04";
const otherRelayed = "mac=00:0c:01:02:03:05";

serverScenario("a relay inside the network is answered at its address, any other is not (section 4.1)", {}, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER ${relay} ${relayed} 82=01:02:aa:bb requested=172.29.0.20`);
  at("0 s").server.sends("DHCPOFFER giaddr=172.29.0.9 82=01:02:aa:bb no-broadcast to=relay:172.29.0.9");
  at("0 s").client.sends(`DHCPREQUEST ${relay} ${relayed} requested=10.0.0.1`);
  at("0 s").server.sends("DHCPNAK broadcast to=relay:172.29.0.9");
  at("0 s").client.sends(`DHCPDISCOVER giaddr=10.0.0.9 ${relayed}`);
  at("0 s").server.isSilent("foreign relay");
});

serverScenario("a client behind a relay: renewal, decline, release, and whose address that was", one, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER ${relay} ${relayed}`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.20 to=relay:172.29.0.9");
  at("0 s").client.sends(`DHCPREQUEST ${relay} requested=172.29.0.20 server=172.29.0.1 ${relayed}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20 to=relay:172.29.0.9");
  at("1 s").client.sends(`DHCPREQUEST ${relay} ciaddr=172.29.0.20 ${relayed}`);
  at("1 s").server.sends("DHCPACK ciaddr=172.29.0.20 to=relay:172.29.0.9");
  at("2 s").client.sends(`DHCPRELEASE ${relay} ciaddr=172.29.0.20 server=172.29.0.1 ${relayed}`);
  at("2 s").server.writes("released 172.29.0.20");
  at("3 s").client.sends(`DHCPDISCOVER rapid ${relay} ${otherRelayed}`);
  at("3 s").server.sends("DHCPACK yiaddr=172.29.0.20 to=relay:172.29.0.9");
  at("4 s").client.sends(`DHCPDECLINE ${relay} requested=172.29.0.20 server=172.29.0.1 ${otherRelayed}`);
  at("4 s").server.writes("declined 172.29.0.20");
});

serverScenario("a relay does not speak for clients of ours: their frames show who they are", one, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid ${first}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  for (
    const message of [
      "DHCPRELEASE ciaddr=172.29.0.20 server=172.29.0.1",
      "DHCPDECLINE requested=172.29.0.20 server=172.29.0.1",
      "DHCPREQUEST ciaddr=172.29.0.20",
      "DHCPDISCOVER rapid",
    ]
  ) {
    at("1 s").client.sends(`${message} ${relay} ${first}`);
    at("1 s").server.isSilent("foreign hardware address");
  }
  at("2 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.20 ${first}`);
  at("2 s").server.sends("DHCPACK");
});

// Type 1 is Ethernet, and then comes an address (RFC 2132 section 9.14), which anyone may know.
serverScenario("an identifier that is another's hardware address does not make its sender the other", two, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid id=01:02:78:00:00:00:01 ${first} requested=172.29.0.20`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  const claim = `id=01:02:78:00:00:00:01 ${second}`;
  at("1 s").client.sends(`DHCPRELEASE ciaddr=172.29.0.20 server=172.29.0.1 ${claim}`);
  at("1 s").server.isSilent("nothing to do");
  at("1 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.20 ${claim}`);
  at("1 s").server.sends("DHCPNAK");
  // It is served as what its hardware address says, and hears its identifier again (RFC 6842).
  at("2 s").client.sends(`DHCPDISCOVER rapid ${claim}`);
  at("2 s").server.sends("DHCPACK yiaddr=172.29.0.21 id=01:02:78:00:00:00:01");
  at("3 s").client.sends(`DHCPDISCOVER ${second}`);
  at("3 s").server.sends("DHCPOFFER yiaddr=172.29.0.21");
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
