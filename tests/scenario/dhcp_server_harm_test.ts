/** What strangers, faulty clients and a wrong clock cannot do to the others. */
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { first, one, second, serverScenario, third, two } from "./dhcp_server_dialogue.ts";

/** .20 to .27: two is a quarter. */
const eight = { range: { first: parseIpv4("172.29.0.20"), last: parseIpv4("172.29.0.27") } };

serverScenario("a client that declines all that it gets takes a quarter of the addresses at most", eight, (at) => {
  const decline = (address: string) => {
    at("0 s").client.sends(`DHCPDISCOVER requested=${address} ${first}`);
    at("0 s").server.sends(`DHCPOFFER yiaddr=${address}`);
    at("0 s").client.sends(`DHCPDECLINE requested=${address} server=172.29.0.1 ${first}`);
    at("0 s").server.writes(`declined ${address}`);
  };
  decline("172.29.0.20");
  decline("172.29.0.21");
  at("1 s").client.sends(`DHCPREQUEST requested=172.29.0.20 ${second}`);
  at("1 s").server.sends("DHCPNAK");
  decline("172.29.0.22");
  // The first is tried again; the others are set aside as before, after a restart too.
  at("2 s").server.restarts();
  at("2 s").client.sends(`DHCPREQUEST requested=172.29.0.20 ${second}`);
  at("2 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  for (const address of ["172.29.0.21", "172.29.0.22"]) {
    at("3 s").client.sends(`DHCPREQUEST requested=${address} ${third}`);
    at("3 s").server.sends("DHCPNAK");
  }
});

// Of all identifiers one in 65,536 shares in the rate of a given client. Whoever does not know the seed cannot find it.
for (const [rateSeed, answer] of [[0, "nothing"], [1, "DHCPACK yiaddr=172.29.0.20"]] as const) {
  const victim = "mac=02:78:0a:2a:00:05 id=01:02:78:0a:2a:00:05";
  const rates = { ...one, rateSeed, clientRate: { perSecond: 1, burst: 3 } };
  serverScenario(
    `who found the same place in the rates by trial, the seed being ${rateSeed}: ${answer}`,
    rates,
    (at) => {
      at("0 s").client.sends(`DHCPDISCOVER rapid ${victim}`);
      at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20");
      for (let count = 0; count < 5; count++) {
        at("10 s").client.sends("DHCPINFORM ciaddr=172.29.0.9 mac=02:42:06:06:06:06 id=00:00:00:51:60");
      }
      at("10 s").server.isSilent("too many messages");
      at("10 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.20 ${victim}`);
      if (answer === "nothing") at("10 s").server.isSilent("too many messages");
      else at("10 s").server.sends(answer);
    },
  );
}

serverScenario("what a relay says in a client's name does not count towards its rate", {
  clientRate: { perSecond: 1, burst: 3 },
}, (at) => {
  const named = "mac=00:0c:01:02:03:04";
  for (let count = 0; count < 4; count++) at("0 s").client.sends(`DHCPDISCOVER giaddr=172.29.0.9 ${named}`);
  at("0 s").server.isSilent("too many messages");
  at("0 s").client.sends(`DHCPDISCOVER ${named}`);
  at("0 s").server.sends("DHCPOFFER");
});

serverScenario("too many messages of all together are dropped", { overallRate: { perSecond: 10, burst: 5 } }, (at) => {
  for (let client = 1; client <= 5; client++) {
    at("0 s").client.sends(`DHCPDISCOVER mac=02:42:00:00:00:0${client}`);
    at("0 s").server.sends("DHCPOFFER");
  }
  at("0 s").client.sends("DHCPDISCOVER mac=02:42:00:00:00:06");
  at("0 s").server.isSilent("too many messages");
  at("100 ms").client.sends("DHCPDISCOVER mac=02:42:00:00:00:06");
  at("100 ms").server.sends("DHCPOFFER");
});

serverScenario("a client has one offer at most, whatever it asks for", eight, (at) => {
  for (const address of ["172.29.0.20", "172.29.0.23", "172.29.0.26"]) {
    at("0 s").client.sends(`DHCPDISCOVER requested=${address} ${first}`);
    // The offer stands: the one that it has comes before the one that it asks for.
    at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.20");
  }
  at("1 s").server.reserves("172.29.0.5 mac=02:78:00:00:00:01");
  at("1 s").client.sends(`DHCPDISCOVER ${first}`);
  at("1 s").server.sends("DHCPOFFER yiaddr=172.29.0.5");
  at("1 s").server.counts({ offered: 1, free: 8 });
});

serverScenario("a client with a lease has one offer beside it at most", two, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.20 ${first}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  at("1 s").server.reserves("172.29.0.5 mac=02:78:00:00:00:01");
  at("1 s").client.sends(`DHCPDISCOVER ${first}`);
  at("1 s").server.sends("DHCPOFFER yiaddr=172.29.0.5");
  at("2 s").server.reserves("172.29.0.6 mac=02:78:00:00:00:01");
  at("2 s").client.sends(`DHCPDISCOVER ${first}`);
  at("2 s").server.sends("DHCPOFFER yiaddr=172.29.0.6");
  at("2 s").server.counts({ bound: 1, offered: 1 });
  // Again: it is the same offer.
  at("3 s").server.reserves("");
  at("3 s").client.sends(`DHCPREQUEST requested=172.29.0.20 server=172.29.0.1 ${first}`);
  at("3 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  at("3 s").server.counts({ bound: 1, offered: 0 });
});

serverScenario("an offer beside a lease stands too, whatever is asked for then", eight, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.20 ${first}`);
  at("1 s").server.reserves("172.29.0.20 mac=02:78:00:00:00:02");
  for (const requested of ["172.29.0.25", "172.29.0.26"]) {
    at("1 s").client.sends(`DHCPDISCOVER requested=${requested} ${first}`);
    at("1 s").server.sends("DHCPOFFER yiaddr=172.29.0.25");
  }
});

serverScenario("an offer is declined", two, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER requested=172.29.0.20 ${first}`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.20");
  at("0 s").client.sends(`DHCPDECLINE requested=172.29.0.20 server=172.29.0.1 ${first}`);
  at("0 s").server.writes("declined 172.29.0.20");
  at("0 s").client.sends(`DHCPDISCOVER ${first}`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.21");
});

const hour = { ...two, leaseSeconds: 3_600 };

serverScenario("a clock that was a year ahead for a moment does not keep later leases from ending", hour, (at) => {
  at("31536000 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.20 ${first}`);
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.21 ${second}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.21");
  at("3600 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.21 ${third}`);
  at("3600 s").server.sends("DHCPACK");
  at("3600 s").server.counts({ bound: 1, expired: 1 });
});

serverScenario("an identifier that is too long to be one is nobody's", {}, (at) => {
  const long = (length: number) => `id=${Array.from({ length }, () => "07").join(":")}`;
  at("0 s").client.sends(`DHCPDISCOVER ${long(255)}`);
  at("0 s").server.sends("DHCPOFFER");
  // In two options, which are one (RFC 3396).
  at("0 s").client.sends(`DHCPDISCOVER ${long(256)}`);
  at("0 s").server.isSilent("malformed");
});

serverScenario("an identifier of one byte is none (RFC 2132 section 9.14)", eight, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid id=07 ${first}`);
  at("0 s").server.sends("DHCPACK");
  at("0 s").client.sends(`DHCPDISCOVER rapid id=07 ${second}`);
  at("0 s").server.sends("DHCPACK");
  at("0 s").server.counts({ bound: 2 });
});

serverScenario("a stranger on a reserved address is noticed too", two, (at) => {
  at("0 s").server.reserves("172.29.0.5 mac=02:78:00:00:00:01");
  at("0 s").server.sees("172.29.0.5", "02:78:00:00:00:09");
  at("1 s").client.sends(`DHCPDISCOVER requested=172.29.0.20 ${first}`);
  at("1 s").server.sends("DHCPOFFER yiaddr=172.29.0.20");
  at("600 s").client.sends(`DHCPDISCOVER ${first}`);
  at("600 s").server.sends("DHCPOFFER yiaddr=172.29.0.5");
});
