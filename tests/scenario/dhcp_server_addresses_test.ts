/** Who gets which address. */
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { parseReservations, Reservations } from "../../mod/dhcp/reservations.ts";
import { network } from "./dhcp_dialogue.ts";
import { first, one, second, serverAddress, serverScenario, third, two } from "./dhcp_server_dialogue.ts";

serverScenario("an offer stands for 30 s, and no other client gets it meanwhile if there is room", two, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER requested=172.29.0.20 ${first}`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.20");
  at("1 s").client.sends(`DHCPDISCOVER requested=172.29.0.20 ${second}`);
  at("1 s").server.sends("DHCPOFFER yiaddr=172.29.0.21");
  at("30 s").client.sends(`DHCPDISCOVER requested=172.29.0.20 ${third}`);
  at("30 s").server.sends("DHCPOFFER yiaddr=172.29.0.20");
});

// With an address that is free, nothing is given that stands.
const three = { range: { first: parseIpv4("172.29.0.20"), last: parseIpv4("172.29.0.22") } };
for (const [when, yiaddr] of [["29999 ms", "172.29.0.22"], ["30 s", "172.29.0.20"]] as const) {
  serverScenario(`an offer of 172.29.0.20 after ${when}: another client is offered ${yiaddr}`, three, (at) => {
    at("0 s").client.sends(`DHCPDISCOVER requested=172.29.0.20 ${first}`);
    at("1 s").client.sends(`DHCPDISCOVER requested=172.29.0.21 ${second}`);
    at(when).client.sends(`DHCPDISCOVER requested=172.29.0.20 ${third}`);
    at(when).server.sends(`DHCPOFFER yiaddr=${yiaddr}`);
  });
}

serverScenario("with no other address free an offer is made over again, and who takes it first has it", one, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER ${first}`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.20");
  at("0 s").client.sends(`DHCPDISCOVER ${second}`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.20");
  // Only with an offer of this server: what another one gave does not take it away.
  at("0 s").client.sends(`DHCPREQUEST requested=172.29.0.20 ${third}`);
  at("0 s").server.sends("DHCPNAK");
  at("0 s").client.sends(`DHCPREQUEST requested=172.29.0.20 server=172.29.0.1 ${first}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  at("0 s").client.sends(`DHCPREQUEST requested=172.29.0.20 server=172.29.0.1 ${second}`);
  at("0 s").server.sends("DHCPNAK");
});

serverScenario("an offered address is no other client's while one is free", two, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER requested=172.29.0.20 ${first}`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.20");
  at("0 s").client.sends(`DHCPREQUEST requested=172.29.0.20 server=172.29.0.1 ${second}`);
  at("0 s").server.sends("DHCPNAK");
});

serverScenario("a full pool: silence, until a lease ends", { ...one, leaseSeconds: 100 }, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid ${first}`);
  at("0 s").server.sends("DHCPACK lease=100 t1=50 t2=87");
  at("99 s").client.sends(`DHCPDISCOVER ${second}`);
  at("99 s").server.isSilent("pool exhausted");
  at("100 s").client.sends(`DHCPDISCOVER rapid ${second}`);
  at("100 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  at("101 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.20 ${first}`);
  at("101 s").server.sends("DHCPNAK");
});

serverScenario("the same client gets the same address, after expiry and release too", { leaseSeconds: 100 }, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.77 ${first}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.77");
  at("10 s").client.sends(`DHCPDISCOVER ${first}`);
  at("10 s").server.sends("DHCPOFFER yiaddr=172.29.0.77");
  at("200 s").client.sends(`DHCPDISCOVER rapid ${first}`);
  at("200 s").server.sends("DHCPACK yiaddr=172.29.0.77");
  at("210 s").client.sends(`DHCPRELEASE ciaddr=172.29.0.77 server=172.29.0.1 ${first}`);
  at("210 s").server.isSilent("released");
  at("210 s").server.writes("released 172.29.0.77");
  at("220 s").client.sends(`DHCPDISCOVER ${second}`);
  at("230 s").client.sends(`DHCPDISCOVER ${first}`);
  at("230 s").server.sends("DHCPOFFER yiaddr=172.29.0.77");
});

serverScenario("a full pool gives up what expired, then what was released", { ...two, leaseSeconds: 100 }, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.20 ${first}`);
  at("50 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.21 ${second}`);
  at("50 s").server.sends("DHCPACK yiaddr=172.29.0.21");
  at("60 s").client.sends(`DHCPRELEASE ciaddr=172.29.0.21 server=172.29.0.1 ${second}`);
  // .20 expired after .21 was released, and goes first nevertheless: who released it may come back.
  at("110 s").client.sends(`DHCPDISCOVER rapid ${third}`);
  at("110 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  at("111 s").client.sends("DHCPDISCOVER rapid mac=02:78:00:00:00:04");
  at("111 s").server.sends("DHCPACK yiaddr=172.29.0.21");
});

serverScenario("after a kill too what expired goes before what was released", { ...two, leaseSeconds: 100 }, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.20 ${first}`);
  at("50 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.21 ${second}`);
  at("60 s").client.sends(`DHCPRELEASE ciaddr=172.29.0.21 server=172.29.0.1 ${second}`);
  at("100 s").server.restarts();
  at("110 s").client.sends(`DHCPDISCOVER rapid ${third}`);
  at("110 s").server.sends("DHCPACK yiaddr=172.29.0.20");
});

serverScenario("after a kill the leases are there, the offers are not", two, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.20 ${first}`);
  at("1 s").client.sends(`DHCPDISCOVER requested=172.29.0.21 ${second}`);
  at("2 s").server.restarts();
  at("3 s").client.sends(`DHCPDISCOVER requested=172.29.0.20 ${third}`);
  at("3 s").server.sends("DHCPOFFER yiaddr=172.29.0.21");
  at("3 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.20 ${first}`);
  at("3 s").server.sends("DHCPACK");
});

serverScenario("after a kill a lease that ended meanwhile is kept for its client", { leaseSeconds: 100 }, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.77 ${first}`);
  at("500 s").server.restarts();
  at("500 s").client.sends(`DHCPDISCOVER ${second}`);
  at("501 s").client.sends(`DHCPDISCOVER ${first}`);
  at("501 s").server.sends("DHCPOFFER yiaddr=172.29.0.77");
});

// The numbers are a promise between versions: gateways of two versions serve one network while they are replaced.
serverScenario("every gateway has the same address for a client (stable identity)", {}, (at) => {
  // Ours, one beside the other as their Pods' addresses are, whatever they call themselves; and any other.
  at("0 s").client.sends(`DHCPDISCOVER ${first}`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.21");
  at("0 s").client.sends(`DHCPDISCOVER ${second} id=00:07`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.22");
  at("0 s").client.sends("DHCPDISCOVER mac=02:42:00:00:00:01");
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.47");
});

serverScenario("a Pod that comes from another gateway keeps its address", {}, (at) => {
  at("0 s").client.sends(`DHCPREQUEST requested=172.29.0.150 ${first}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.150");
  at("1 s").client.sends(`DHCPDISCOVER requested=172.29.0.151 rapid ${second}`);
  at("1 s").server.sends("DHCPACK yiaddr=172.29.0.151");
});

serverScenario("an address that a stranger uses is not given, but its user may have it", one, (at) => {
  at("0 s").server.sees("172.29.0.20", "02:78:00:00:00:01");
  at("1 s").client.sends(`DHCPDISCOVER ${second}`);
  at("1 s").server.isSilent("pool exhausted");
  at("1 s").client.sends(`DHCPREQUEST requested=172.29.0.20 ${second}`);
  at("1 s").server.sends("DHCPNAK");
  at("2 s").client.sends(`DHCPREQUEST requested=172.29.0.20 ${first}`);
  at("2 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  // A lease is not shaken by what is seen, and the server itself is no stranger.
  at("3 s").server.sees("172.29.0.20", "02:78:00:00:00:02");
  at("3 s").server.sees("172.29.0.1", "02:78:00:00:00:02");
  at("4 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.20 ${first}`);
  at("4 s").server.sends("DHCPACK");
});

const router = parseIpv4("172.29.0.21");
serverScenario(
  "the router's address is nobody's, if it is in the pool and whoever asks for it",
  { ...two, router },
  (at) => {
    at("0 s").client.sends(`DHCPREQUEST requested=172.29.0.21 ${first}`);
    at("0 s").server.sends("DHCPNAK");
    at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.21 ${first}`);
    at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20 router=172.29.0.21");
    at("1 s").server.reserves("172.29.0.21 mac=02:78:00:00:00:02");
    at("1 s").client.sends(`DHCPDISCOVER requested=172.29.0.21 ${second}`);
    at("1 s").server.isSilent("pool exhausted");
    at("1 s").server.sees("172.29.0.21", "02:78:00:00:00:02");
    at("1 s").client.sends(`DHCPREQUEST requested=172.29.0.21 ${second}`);
    at("1 s").server.sends("DHCPNAK");
  },
);

serverScenario("a client that has what becomes the router's address gets another after the restart", two, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.21 ${first}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.21");
  at("1 s").server.restarts({ router });
  at("1 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.21 ${first}`);
  at("1 s").server.sends("DHCPNAK");
  at("1 s").client.sends(`DHCPDISCOVER rapid ${first}`);
  at("1 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  at("1 s").client.sends(`DHCPDISCOVER ${second}`);
  at("1 s").server.isSilent("pool exhausted");
  // What the journal has of that address is still there, and no harm when the setting is taken back.
  at("2 s").server.restarts();
  at("2 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.20 ${first}`);
  at("2 s").server.sends("DHCPACK");
});

const middle = { first: parseIpv4("172.29.0.255"), last: parseIpv4("172.29.1.0") };
serverScenario("hosts' addresses that end in .255 and .0 are given", {
  network: network("172.29.0.0/23"),
  range: middle,
}, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.255 ${first}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.255 mask=255.255.254.0 28=ac:1d:01:ff");
  at("0 s").client.sends(`DHCPDISCOVER rapid ${second}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.1.0");
});

const reserved = network("172.29.0.0/24");
const reservations = new Reservations(
  parseReservations("172.29.0.5 mac=02:78:00:00:00:01\n172.29.0.20 name=media-0", reserved, serverAddress).reservations,
);

serverScenario("reserved addresses are for whom they are reserved", { ...two, reservations }, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.21 ${first}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.5");
  at("0 s").client.sends(`DHCPREQUEST requested=172.29.0.20 ${second}`);
  at("0 s").server.sends("DHCPNAK");
  at("0 s").client.sends(`DHCPDISCOVER rapid ${second}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.21");
  at("0 s").client.sends(`DHCPDISCOVER rapid ${third}`);
  at("0 s").server.isSilent("pool exhausted");
  at("0 s").client.sends(`DHCPDISCOVER rapid name=Media-0 ${third}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  at("1 s").server.restarts();
  at("1 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.5 ${first}`);
  at("1 s").server.sends("DHCPACK");
});

const ofMachine = new Reservations(
  parseReservations("172.29.0.5 mac=00:0c:00:00:00:01", reserved, serverAddress).reservations,
);

serverScenario("a machine's reserved address is for its firmware and its system", {
  ...two,
  reservations: ofMachine,
}, (at) => {
  const machine = "mac=00:0c:00:00:00:01";
  at("0 s").client.sends(`DHCPDISCOVER rapid id=00:f1:f2 ${machine}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.5");
  // By a relay it is only said to be the same.
  at("1 s").client.sends(`DHCPDISCOVER rapid giaddr=172.29.0.9 requested=172.29.0.20 id=ff:01 ${machine}`);
  at("1 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  at("2 s").client.sends(`DHCPDISCOVER rapid id=ff:02 ${machine}`);
  at("2 s").server.sends("DHCPACK yiaddr=172.29.0.5");
  at("2 s").server.writes("bound 172.29.0.5");
  at("3 s").server.restarts();
  at("4 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.5 id=ff:02 ${machine}`);
  at("4 s").server.sends("DHCPACK");
  at("4 s").server.counts({ bound: 2 });
});

serverScenario("reservations that come while leases are out take hold at the next renewal", two, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.20 ${first}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.21 ${second}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.21");
  at("1 s").server.reserves("172.29.0.20 mac=02:78:00:00:00:02\n172.29.0.5 mac=02:78:00:00:00:03");
  // The first still has what is now the second's, which keeps what it has meanwhile.
  at("2 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.21 ${second}`);
  at("2 s").server.sends("DHCPACK yiaddr=172.29.0.21");
  at("3 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.20 ${first}`);
  at("3 s").server.sends("DHCPNAK");
  at("3 s").client.sends(`DHCPDISCOVER rapid ${first}`);
  at("3 s").server.isSilent("pool exhausted");
  at("4 s").client.sends(`DHCPRELEASE ciaddr=172.29.0.20 ${first}`);
  at("5 s").client.sends(`DHCPREQUEST ciaddr=172.29.0.21 ${second}`);
  at("5 s").server.sends("DHCPNAK");
  at("5 s").client.sends(`DHCPDISCOVER rapid ${second}`);
  at("5 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  at("5 s").client.sends(`DHCPDISCOVER rapid ${first}`);
  at("5 s").server.sends("DHCPACK yiaddr=172.29.0.21");
});

serverScenario("the identifier counts before the hardware address, and that before the host name", two, (at) => {
  at("0 s").server.reserves(
    "172.29.0.5 id=ff:00:01\n172.29.0.6 mac=02:78:00:00:00:01\n172.29.0.7 name=media-0",
  );
  at("0 s").client.sends(`DHCPDISCOVER name=media-0 id=ff:00:01 ${first}`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.5");
  at("0 s").client.sends(`DHCPDISCOVER name=media-0 id=ff:00:02 ${first}`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.6");
  at("0 s").client.sends(`DHCPDISCOVER name=media-0 id=ff:00:03 ${second}`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.7");
});

serverScenario("a reservation of another address takes hold, whichever way the client asks for its own", two, (at) => {
  at("0 s").server.reserves("172.29.0.5 mac=02:78:00:00:00:01");
  at("0 s").client.sends(`DHCPDISCOVER rapid ${first}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.5");
  at("1 s").server.reserves("172.29.0.6 mac=02:78:00:00:00:01");
  for (const own of ["ciaddr=172.29.0.5", "requested=172.29.0.5", "requested=172.29.0.5 server=172.29.0.1"]) {
    at("2 s").client.sends(`DHCPREQUEST ${own} ${first}`);
    at("2 s").server.sends("DHCPNAK");
  }
  at("3 s").client.sends(`DHCPDISCOVER rapid ${first}`);
  at("3 s").server.sends("DHCPACK yiaddr=172.29.0.6");
  // Reserved for nobody, and not in the pool.
  at("4 s").client.sends(`DHCPREQUEST requested=172.29.0.5 ${second}`);
  at("4 s").server.sends("DHCPNAK");
});

serverScenario("an offer of another address leaves the lease that the client has as it is", two, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.20 ${first}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20");
  at("1 s").server.reserves("172.29.0.5 mac=02:78:00:00:00:01");
  at("2 s").client.sends(`DHCPDISCOVER ${first}`);
  at("2 s").server.sends("DHCPOFFER yiaddr=172.29.0.5");
  // Whoever asked need not have been the client: its lease stands until it has taken the offer.
  at("2 s").client.sends(`DHCPREQUEST requested=172.29.0.20 server=172.29.0.1 ${second}`);
  at("2 s").server.sends("DHCPNAK");
  at("2 s").client.sends(`DHCPREQUEST requested=172.29.0.5 server=172.29.0.1 ${first}`);
  at("2 s").server.sends("DHCPACK yiaddr=172.29.0.5");
  at("2 s").server.writes("released 172.29.0.20", "bound 172.29.0.5");
  at("2 s").client.sends(`DHCPREQUEST requested=172.29.0.20 server=172.29.0.1 ${second}`);
  at("2 s").server.sends("DHCPACK yiaddr=172.29.0.20");
});
