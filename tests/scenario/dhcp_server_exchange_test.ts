/** From the first message to the lease, and DHCPREQUEST in all states. */
import { first, one, second, serverScenario, third, two } from "./dhcp_server_dialogue.ts";

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
    ["SELECTING, of nobody's", "nothing", "requested=172.29.0.21 server=172.29.0.1", "DHCPACK yiaddr=172.29.0.21"],
    [
      "SELECTING, of another than its own",
      "lease",
      "requested=172.29.0.21 server=172.29.0.1",
      "DHCPNAK no-lease",
    ],
    ["SELECTING, of another client's", "lease", "requested=172.29.0.30 server=172.29.0.1", "DHCPNAK no-yiaddr"],
    ["SELECTING, of another client's", "nothing", "requested=172.29.0.30 server=172.29.0.1", "DHCPNAK no-yiaddr"],
    ["SELECTING, not in the pool", "lease", "requested=172.29.0.5 server=172.29.0.1", "DHCPNAK"],
    ["SELECTING, not in the pool", "nothing", "requested=172.29.0.5 server=172.29.0.1", "DHCPNAK"],
    ["SELECTING, of another client's", "offer", "requested=172.29.0.30 server=172.29.0.1", "DHCPNAK no-yiaddr"],
    ["SELECTING, of another server", "offer", "requested=172.29.0.20 server=172.29.0.2", "for another server"],
    ["SELECTING, of nothing", "offer", "server=172.29.0.1", "malformed"],
    ["INIT-REBOOT, right", "lease", "requested=172.29.0.20", "DHCPACK yiaddr=172.29.0.20 no-ciaddr lease=43200"],
    ["INIT-REBOOT, another than its own", "lease", "requested=172.29.0.21", "DHCPNAK no-lease"],
    ["INIT-REBOOT, another client's", "lease", "requested=172.29.0.30", "DHCPNAK"],
    ["INIT-REBOOT, not in the pool", "lease", "requested=172.29.0.5", "DHCPNAK"],
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
    // A client of RFC 1541, which knew no other states.
    [
      "RENEWING, with the server's identifier",
      "lease",
      "ciaddr=172.29.0.20 server=172.29.0.1",
      "DHCPACK yiaddr=172.29.0.20",
    ],
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

serverScenario("what is no request is dropped", {}, (at) => {
  at("0 s").client.sends("DHCPOFFER yiaddr=172.29.0.9");
  at("0 s").server.isSilent("malformed");
  at("0 s").client.sends("DHCPACK yiaddr=172.29.0.9");
  at("0 s").server.isSilent("malformed");
  // What knows nothing of DHCP, and who has no hardware address (CVE-2019-6474).
  at("0 s").client.sends("BOOTP");
  at("0 s").server.isSilent("malformed");
  at("0 s").client.sends("DHCPREQUEST requested=172.29.0.20 mac= id=01:00:00:6c:82:dc:4e");
  at("0 s").server.isSilent("malformed");
});

// CVE-2019-6472 and -6473: Kea stopped at such an identifier, at such a host name (12) or domain (81, 15).
const longest = (length: number) => Array.from({ length }, () => "61").join(":");
serverScenario(
  "a name of no length or of too much is as good as none, an identifier of too much is refused",
  {},
  (at) => {
    for (const option of ["12=", "81=", "15=", `12=${longest(256)}`, `81=${longest(256)}`, `15=${longest(256)}`]) {
      at("0 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.20 ${option}`);
      at("0 s").server.sends("DHCPACK yiaddr=172.29.0.20 no-name no-81");
      at("0 s").server.writes("bound 172.29.0.20");
    }
    at("1 s").client.sends(`DHCPDISCOVER rapid requested=172.29.0.21 name=media-0 size=1500 id=${longest(255)}`);
    at("1 s").server.sends(`DHCPACK yiaddr=172.29.0.21 id=${longest(255)}`);
    at("1 s").server.writes("bound 172.29.0.21 media-0");
    at("2 s").client.sends(`DHCPDISCOVER id=${longest(256)}`);
    at("2 s").server.isSilent("malformed");
    at("3 s").server.restarts();
    at("3 s").client.sends("DHCPREQUEST ciaddr=172.29.0.20");
    at("3 s").server.sends("DHCPACK");
  },
);

serverScenario("each renewal counts, however early, and is written down", { ...one, leaseSeconds: 100 }, (at) => {
  at("0 s").client.sends("DHCPDISCOVER rapid");
  at("1 s").client.sends("DHCPREQUEST ciaddr=172.29.0.20");
  at("1 s").server.sends("DHCPACK lease=100");
  at("1 s").server.writes("bound 172.29.0.20");
  at("1 s").server.restarts();
  at("100 s").client.sends(`DHCPDISCOVER ${second}`);
  at("100 s").server.isSilent("pool exhausted");
  at("101 s").client.sends(`DHCPDISCOVER ${second}`);
  at("101 s").server.sends("DHCPOFFER");
});
