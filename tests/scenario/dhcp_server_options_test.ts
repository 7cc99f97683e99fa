/** What the server tells: DHCPINFORM, and options. */
import { textValue } from "../../mod/wire/dhcpv4_options.ts";
import { first, one, second, serverScenario } from "./dhcp_server_dialogue.ts";

serverScenario("INFORM: parameters and no lease (section 4.3.5)", {}, (at) => {
  at("0 s").client.sends("DHCPINFORM ciaddr=172.29.0.9 prl=1,6");
  at("0 s").server.sends(
    "DHCPACK ciaddr=172.29.0.9 no-yiaddr no-lease no-t1 no-t2 mask=255.255.255.0 dns=172.29.0.1 to=172.29.0.9",
  );
  at("0 s").server.writes();
  at("0 s").client.sends("DHCPINFORM ciaddr=10.0.0.9");
  at("0 s").server.isSilent("nothing to do");
  at("0 s").client.sends("DHCPINFORM");
  at("0 s").server.isSilent("nothing to do");
});

serverScenario("INFORM when the pool is empty, and behind a relay", one, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid ${first}`);
  at("0 s").client.sends(`DHCPINFORM ciaddr=172.29.0.9 server=172.29.0.1 ${second}`);
  at("0 s").server.sends("DHCPACK no-yiaddr mask=255.255.255.0 to=172.29.0.9");
  at("0 s").client.sends(`DHCPINFORM ciaddr=172.29.0.9 giaddr=172.29.0.9 mac=00:0c:01:02:03:04`);
  at("0 s").server.sends("DHCPACK no-yiaddr to=relay:172.29.0.9");
});

// Of isc-projects/forge's standard options, vendor options, NTP (42), IPv6-only (108) and DNR (162): those that have no
// setting of their own, and the host name's below.
const further = [
  "2 4 5 7 8 9 10 11 13 14 16 17 18 19 20 21 22 23 24 25 27 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48",
  "49 62 64 65 67 68 69 70 71 72 73 74 75 76 91 92 108 118 121 124 125 162",
].join(" ").split(" ").map(Number);
const furtherOptions = { ...one, options: new Map(further.map((code) => [code, Uint8Array.of(code, 1, 2, 3)])) };

serverScenario("any other option is sent as it was set, to who asks for it", furtherOptions, (at) => {
  for (const [index, code] of further.entries()) {
    const now = `${index} s`;
    at(now).client.sends(`DHCPDISCOVER prl=1,${code}`);
    const value = [code, 1, 2, 3].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
    at(now).server.sends(`DHCPOFFER ${code}=${value} mask=255.255.255.0`);
    at(now).client.sends("DHCPDISCOVER prl=1");
    at(now).server.sends(`DHCPOFFER no-${code} mask=255.255.255.0`);
  }
});

serverScenario("options by number, a search list, and an option taken out", {
  ...one,
  domainName: "pgw.example",
  searchDomains: ["a.example", "b.example"],
  options: new Map([[252, Uint8Array.of(1, 2)], [28, new Uint8Array(0)], [12, textValue("web")]]),
}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("0 s").server.sends(
    "domain=pgw.example name=web 252=01:02 no-28 119=01:61:07:65:78:61:6d:70:6c:65:00:01:62:07:65:78:61:6d:70:6c:65:00",
  );
});
