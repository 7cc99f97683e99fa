/** DHCPDECLINE and DHCPRELEASE. */
import { first, one, second, serverScenario, two } from "./dhcp_server_dialogue.ts";

serverScenario("DECLINE: set aside for ten minutes, then tried again", one, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid ${first}`);
  at("1 s").client.sends(`DHCPDECLINE requested=172.29.0.20 server=172.29.0.1 ${first}`);
  at("1 s").server.isSilent("declined");
  at("1 s").server.writes("declined 172.29.0.20");
  at("2 s").client.sends(`DHCPDISCOVER ${first}`);
  at("2 s").server.isSilent("pool exhausted");
  at("600 s").server.restarts();
  at("600 s").client.sends(`DHCPDISCOVER ${first}`);
  at("600 s").server.isSilent("pool exhausted");
  at("601 s").client.sends(`DHCPDISCOVER ${first}`);
  at("601 s").server.sends("DHCPOFFER yiaddr=172.29.0.20");
});

serverScenario("DECLINE and RELEASE of what the client has not: nothing happens", two, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.20 ${first}`);
  for (
    const message of [
      `DHCPDECLINE requested=172.29.0.20 server=172.29.0.1 ${second}`,
      `DHCPDECLINE requested=172.29.0.21 server=172.29.0.1 ${first}`,
      `DHCPDECLINE server=172.29.0.1 ${first}`,
      `DHCPRELEASE ciaddr=172.29.0.20 server=172.29.0.1 ${second}`,
      `DHCPRELEASE ciaddr=172.29.0.21 server=172.29.0.1 ${first}`,
      `DHCPRELEASE ciaddr=10.0.0.1 server=172.29.0.1 ${first}`,
      `DHCPRELEASE server=172.29.0.1 ${first}`,
    ]
  ) {
    at("1 s").client.sends(message);
    at("1 s").server.isSilent("nothing to do");
  }
  at("1 s").client.sends(`DHCPDECLINE requested=172.29.0.20 ${first}`);
  at("1 s").server.isSilent("malformed");
  at("1 s").client.sends(`DHCPRELEASE ciaddr=172.29.0.20 server=172.29.0.2 ${first}`);
  at("1 s").server.isSilent("for another server");
  at("2 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.20 ${first}`);
  at("2 s").server.sends("DHCPACK");
});

serverScenario("a release without server identifier, as systemd-networkd sends it", one, (at) => {
  at("0 s").client.sends("DHCPDISCOVER rapid");
  at("1 s").client.sends("DHCPRELEASE ciaddr=172.29.0.20");
  at("1 s").server.writes("released 172.29.0.20");
});
