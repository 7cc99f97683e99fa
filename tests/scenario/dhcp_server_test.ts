import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { parseReservations, Reservations } from "../../mod/dhcp/reservations.ts";
import { network, serverAddress, serverScenario } from "./dhcp_dialogue.ts";

/** One address for everybody: .20. */
const one = { range: { first: parseIpv4("172.29.0.20"), last: parseIpv4("172.29.0.20") } };
const two = { range: { first: parseIpv4("172.29.0.20"), last: parseIpv4("172.29.0.21") } };
const first = "mac=02:78:00:00:00:01";
const second = "mac=02:78:00:00:00:02";
const third = "mac=02:78:00:00:00:03";

serverScenario("a lease in four messages", { ...one, mtu: 1370 }, (at) => {
  at("0 s").client.sends("DHCPDISCOVER broadcast prl=1,3,6,26,28");
  at("0 s").server.sends(
    "DHCPOFFER broadcast yiaddr=172.29.0.20 server=172.29.0.1 lease=43200 t1=21600 t2=37800 mask=255.255.255.0 " +
      "router=172.29.0.1 dns=172.29.0.1 mtu=1370 28=ac:1d:00:ff no-ciaddr no-siaddr to=broadcast",
  );
  at("0 s").server.writes();
  at("0 s").client.sends("DHCPREQUEST broadcast requested=172.29.0.20 server=172.29.0.1 prl=1");
  at("0 s").server.sends(
    "DHCPACK yiaddr=172.29.0.20 server=172.29.0.1 lease=43200 mask=255.255.255.0 no-router no-dns to=broadcast",
  );
  at("0 s").server.writes("bound 172.29.0.20");
});

serverScenario("without the broadcast flag the answer goes to the new address", one, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("0 s").server.sends("DHCPOFFER no-broadcast to=172.29.0.20");
});

serverScenario("two messages with rapid commit (RFC 4039)", one, (at) => {
  at("0 s").client.sends("DHCPDISCOVER rapid broadcast");
  at("0 s").server.sends("DHCPACK rapid yiaddr=172.29.0.20 lease=43200");
  at("0 s").server.writes("bound 172.29.0.20");
});

serverScenario("rapid commit switched off: four messages", { ...one, rapidCommit: false }, (at) => {
  at("0 s").client.sends("DHCPDISCOVER rapid");
  at("0 s").server.sends("DHCPOFFER no-rapid");
});

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

// RFC 2131 table 4, and what section 4.3.2 says below it. The client has, or has not, a lease on .20.
for (
  const [state, has, request, answer] of [
    [
      "SELECTING, of the offer",
      "offer",
      "requested=172.29.0.20 server=172.29.0.1",
      "DHCPACK yiaddr=172.29.0.20 no-ciaddr",
    ],
    ["SELECTING, again", "lease", "requested=172.29.0.20 server=172.29.0.1", "DHCPACK yiaddr=172.29.0.20"],
    [
      "SELECTING, of what was not offered",
      "offer",
      "requested=172.29.0.21 server=172.29.0.1",
      "DHCPACK yiaddr=172.29.0.21",
    ],
    ["SELECTING, of another client's", "offer", "requested=172.29.0.30 server=172.29.0.1", "DHCPNAK no-yiaddr"],
    ["SELECTING, of another server", "offer", "requested=172.29.0.20 server=172.29.0.2", "for another server"],
    ["SELECTING, of nothing", "offer", "server=172.29.0.1", "malformed"],
    ["INIT-REBOOT, right", "lease", "requested=172.29.0.20", "DHCPACK yiaddr=172.29.0.20 no-ciaddr lease=43200"],
    ["INIT-REBOOT, another than its own", "lease", "requested=172.29.0.21", "DHCPNAK no-lease"],
    ["INIT-REBOOT, another client's", "nothing", "requested=172.29.0.30", "DHCPNAK"],
    ["INIT-REBOOT, wrong network", "nothing", "requested=10.0.0.9", "DHCPNAK"],
    ["INIT-REBOOT, nobody's", "nothing", "requested=172.29.0.20", "DHCPACK yiaddr=172.29.0.20"],
    ["INIT-REBOOT, not in the pool", "nothing", "requested=172.29.0.5", "DHCPNAK"],
    ["INIT-REBOOT, the server's own", "nothing", "requested=172.29.0.1", "DHCPNAK"],
    ["INIT-REBOOT, the broadcast", "nothing", "requested=172.29.0.255", "DHCPNAK"],
    ["RENEWING", "lease", "ciaddr=172.29.0.20", "DHCPACK yiaddr=172.29.0.20 ciaddr=172.29.0.20 to=172.29.0.20"],
    ["RENEWING, another than its own", "lease", "ciaddr=172.29.0.21", "DHCPNAK to=broadcast no-ciaddr"],
    ["RENEWING, another client's", "nothing", "ciaddr=172.29.0.30", "DHCPNAK to=broadcast"],
    ["RENEWING, wrong network", "nothing", "ciaddr=10.0.0.9", "DHCPNAK to=broadcast"],
    ["REBINDING", "lease", "ciaddr=172.29.0.20 broadcast", "DHCPACK yiaddr=172.29.0.20 to=172.29.0.20"],
    ["REBINDING, nobody's", "nothing", "ciaddr=172.29.0.20", "DHCPACK yiaddr=172.29.0.20"],
    ["no address at all", "lease", "", "malformed"],
  ] as const
) {
  serverScenario(`REQUEST in ${state}, the client having ${has}: ${answer}`, {}, (at) => {
    at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.30 ${third}`);
    at("0 s").server.sends("DHCPACK yiaddr=172.29.0.30");
    if (has !== "nothing") {
      at("1 s").client.sends(`DHCPDISCOVER requested=172.29.0.20 ${has === "lease" ? "rapid" : ""}`.trim());
      at("1 s").server.sends("yiaddr=172.29.0.20");
    }
    at("2 s").client.sends(`DHCPREQUEST ${request}`.trim());
    if (answer.startsWith("DHCP")) at("2 s").server.sends(answer);
    else at("2 s").server.isSilent(answer);
  });
}

serverScenario("a client that takes another server's offer frees ours", one, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER ${first}`);
  at("0 s").server.sends("DHCPOFFER");
  at("0 s").client.sends(`DHCPREQUEST requested=10.9.9.9 server=10.9.9.1 ${first}`);
  at("0 s").server.isSilent("for another server");
  at("0 s").client.sends(`DHCPREQUEST requested=172.29.0.20 ${second}`);
  at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20");
});

serverScenario("an offer that is taken without a word of which one", two, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER requested=172.29.0.21 ${first}`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.21");
  at("1 s").client.sends(`DHCPREQUEST ${first}`);
  at("1 s").server.sends("DHCPACK yiaddr=172.29.0.21");
  at("2 s").client.sends(`DHCPREQUEST ${second}`);
  at("2 s").server.isSilent("malformed");
});

serverScenario("an offer stands for 30 s, and no other client gets it meanwhile if there is room", two, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER requested=172.29.0.20 ${first}`);
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.20");
  at("1 s").client.sends(`DHCPDISCOVER requested=172.29.0.20 ${second}`);
  at("1 s").server.sends("DHCPOFFER yiaddr=172.29.0.21");
  at("30 s").client.sends(`DHCPDISCOVER requested=172.29.0.20 ${third}`);
  at("30 s").server.sends("DHCPOFFER yiaddr=172.29.0.20");
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

serverScenario("a release without server identifier, as systemd-networkd sends it", one, (at) => {
  at("0 s").client.sends("DHCPDISCOVER rapid");
  at("1 s").client.sends("DHCPRELEASE ciaddr=172.29.0.20");
  at("1 s").server.writes("released 172.29.0.20");
});

serverScenario(
  "a second client's REQUEST of an address that the first got is refused, and not a third's either",
  one,
  (at) => {
    at("0 s").client.sends(`DHCPDISCOVER ${first}`);
    at("0 s").client.sends(`DHCPREQUEST requested=172.29.0.20 server=172.29.0.1 ${first}`);
    at("0 s").server.sends("DHCPACK");
    at("0 s").client.sends(`DHCPREQUEST requested=172.29.0.20 server=172.29.0.1 ${second}`);
    at("0 s").server.sends("DHCPNAK server=172.29.0.1");
    at("0 s").client.sends(`DHCPREQUEST requested=172.29.0.20 server=172.29.0.1 id=00:03 ${first}`);
    at("0 s").server.sends("DHCPNAK id=00:03");
  },
);

serverScenario("what the fields of a DISCOVER say is not believed or sent back", one, (at) => {
  at("0 s").client.sends("DHCPDISCOVER ciaddr=172.29.0.77 siaddr=172.29.0.78 yiaddr=172.29.0.79");
  at("0 s").server.sends("DHCPOFFER yiaddr=172.29.0.20 no-ciaddr no-siaddr");
});

serverScenario("INFORM when the pool is empty, and behind a relay", one, (at) => {
  at("0 s").client.sends(`DHCPDISCOVER rapid ${first}`);
  at("0 s").client.sends(`DHCPINFORM ciaddr=172.29.0.9 server=172.29.0.1 ${second}`);
  at("0 s").server.sends("DHCPACK no-yiaddr mask=255.255.255.0 to=172.29.0.9");
  at("0 s").client.sends(`DHCPINFORM ciaddr=172.29.0.9 giaddr=172.29.0.9 ${second}`);
  at("0 s").server.sends("DHCPACK no-yiaddr to=relay:172.29.0.9");
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

serverScenario("too many messages of one client are dropped, others are served", {}, (at) => {
  for (let count = 0; count < 20; count++) {
    at("0 s").client.sends(`DHCPDISCOVER ${first}`);
    at("0 s").server.sends("DHCPOFFER");
  }
  at("0 s").client.sends(`DHCPDISCOVER ${first}`);
  at("0 s").server.isSilent("too many messages");
  at("0 s").client.sends(`DHCPDISCOVER ${second}`);
  at("0 s").server.sends("DHCPOFFER");
  at("100 ms").client.sends(`DHCPDISCOVER ${first}`);
  at("100 ms").server.sends("DHCPOFFER");
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

// Of isc-projects/forge's standard options, vendor options, NTP (42) and DNR (162): those that have no setting of their own.
const further = [
  2,
  4,
  5,
  7,
  8,
  9,
  10,
  11,
  13,
  14,
  16,
  17,
  18,
  19,
  20,
  21,
  22,
  23,
  24,
  25,
  27,
  29,
  30,
  31,
  32,
  34,
  35,
  36,
  37,
]
  .concat([38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 64, 65, 68, 69, 70, 71, 72, 73, 74, 75, 76, 124, 125, 162]);
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
  options: new Map([[252, Uint8Array.of(1, 2)], [28, new Uint8Array(0)]]),
}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("0 s").server.sends(
    "domain=pgw.example 252=01:02 no-28 119=01:61:07:65:78:61:6d:70:6c:65:00:01:62:07:65:78:61:6d:70:6c:65:00",
  );
});

serverScenario("what is no request is dropped", {}, (at) => {
  at("0 s").client.sends("DHCPOFFER yiaddr=172.29.0.9");
  at("0 s").server.isSilent("malformed");
  at("0 s").client.sends("DHCPACK yiaddr=172.29.0.9");
  at("0 s").server.isSilent("malformed");
});
