import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { clientScenario, network } from "./dhcp_dialogue.ts";

const gateway = { server: parseIpv4("172.29.0.1"), network: network("172.29.0.0/24") };
const parameters = "server=172.29.0.1 lease=43200 mask=255.255.255.0 router=172.29.0.1 dns=172.29.0.1 mtu=1370";

clientScenario("a lease in four messages", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER no-broadcast secs=0 rapid no-requested no-server no-ciaddr to=broadcast");
  at("2 ms").server.sends(`DHCPOFFER yiaddr=172.29.0.20 ${parameters}`);
  at("2 ms").client.sends(
    "DHCPREQUEST no-broadcast secs=0 same-xid requested=172.29.0.20 server=172.29.0.1 no-ciaddr no-rapid to=broadcast",
  );
  at("4 ms").server.sends(`DHCPACK yiaddr=172.29.0.20 ${parameters}`);
  at("4 ms").client.does(
    "bound 172.29.0.20/24 expires=43200s router=172.29.0.1 dns=172.29.0.1 mtu=1370 search=none",
  );
  at("5 h").client.isSilent();
});

clientScenario("two messages with rapid commit (RFC 4039)", gateway, (at) => {
  at("0 s").client.sends("DHCPDISCOVER rapid");
  at("2 ms").server.sends(`DHCPACK rapid yiaddr=172.29.0.20 ${parameters}`);
  at("2 ms").client.does("bound 172.29.0.20/24");
});

clientScenario("an ACK to a DISCOVER without rapid commit is no lease (RFC 4039 section 3.1)", gateway, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("2 ms").server.sends(`DHCPACK yiaddr=172.29.0.20 ${parameters}`);
  at("100 ms").client.isSilent();
});

clientScenario("it asks for what it uses and never for routes", { hostName: "media-0" }, (at) => {
  at("0 s").client.sends("DHCPDISCOVER prl=1,3,6,15,26,28,51,58,59,119 name=media-0 id=01:02:78:0a:2a:00:05 size=1400");
});

clientScenario("the server is silent: again early, then as in RFC 2131 section 4.1", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER no-broadcast secs=0");
  at("200 ms +- 50 ms").client.sends("DHCPDISCOVER no-broadcast secs=0 same-xid");
  at("700 ms +- 175 ms").client.sends("DHCPDISCOVER same-xid");
  at("1.7 s +- 425 ms").client.sends("DHCPDISCOVER same-xid");
  at("3.7 s +- 925 ms").client.sends("DHCPDISCOVER same-xid");
  at("7.7 s +- 2 s").client.sends("DHCPDISCOVER same-xid");
  at("15.7 s +- 3 s").client.sends("DHCPDISCOVER same-xid");
  at("31.7 s +- 4 s").client.sends("DHCPDISCOVER same-xid");
  at("63.7 s +- 5 s").client.sends("DHCPDISCOVER same-xid");
  at("127.7 s +- 6 s").client.sends("DHCPDISCOVER same-xid");
  at("191.7 s +- 7 s").client.sends("DHCPDISCOVER same-xid");
});

clientScenario("a late answer to an early DISCOVER is still good", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("200 ms +- 50 ms").client.sends("DHCPDISCOVER");
  at("300 ms").server.sends(`DHCPOFFER yiaddr=172.29.0.20 ${parameters}`);
  at("300 ms").client.sends("DHCPREQUEST secs=0");
  // The same offer again, in answer to the second DISCOVER.
  at("301 ms").server.sends(`DHCPOFFER yiaddr=172.29.0.20 ${parameters}`);
  at("302 ms").server.sends(`DHCPACK yiaddr=172.29.0.20 ${parameters}`);
  at("302 ms").client.does("bound 172.29.0.20/24");
});

clientScenario("rapid commit: the lease counts from the first DISCOVER that the ACK may be to", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("200 ms +- 50 ms").client.sends("DHCPDISCOVER");
  at("700 ms +- 175 ms").client.sends("DHCPDISCOVER");
  at("875 ms").server.sends("DHCPACK rapid yiaddr=172.29.0.20 server=172.29.0.1 lease=10 t1=8 t2=9");
  at("875 ms").client.does("bound");
  at("7.6 s - 8 s").client.sends("DHCPREQUEST to=172.29.0.1");
});

clientScenario("rapid commit: after a long silence the lease counts from the last DISCOVER", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("200 ms +- 50 ms").client.sends("DHCPDISCOVER");
  at("700 ms +- 175 ms").client.sends("DHCPDISCOVER");
  at("1.7 s +- 425 ms").client.sends("DHCPDISCOVER");
  at("3.7 s +- 925 ms").client.sends("DHCPDISCOVER");
  at("7.7 s +- 2 s").client.sends("DHCPDISCOVER");
  at("15.7 s +- 3 s").client.sends("DHCPDISCOVER");
  at("20 s").server.sends("DHCPACK rapid yiaddr=172.29.0.20 server=172.29.0.1 lease=10 t1=8 t2=9");
  at("20 s").client.does("bound");
  at("20.2 s - 26.7 s").client.sends("DHCPREQUEST to=172.29.0.1");
});

clientScenario("the ACK is lost: REQUEST again with the same secs, and after four times anew", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("200 ms +- 50 ms").client.sends("DHCPDISCOVER");
  at("700 ms +- 175 ms").client.sends("DHCPDISCOVER");
  at("1.7 s +- 425 ms").client.sends("DHCPDISCOVER secs=1");
  at("2.2 s").server.sends(`DHCPOFFER yiaddr=172.29.0.20 ${parameters}`);
  at("2.2 s").client.sends("DHCPREQUEST secs=1 same-xid requested=172.29.0.20");
  at("2.4 s +- 50 ms").client.sends("DHCPREQUEST secs=1 same-xid");
  at("2.9 s +- 175 ms").client.sends("DHCPREQUEST secs=1 same-xid");
  at("3.9 s +- 425 ms").client.sends("DHCPREQUEST secs=1 same-xid");
  at("5.9 s +- 925 ms").client.sends("DHCPREQUEST secs=1 same-xid");
  at("9.9 s +- 2 s").client.sends("DHCPDISCOVER secs=0 new-xid requested=172.29.0.20");
});

clientScenario("NAK to the REQUEST: anew at once, but not in circles", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("1 ms").server.sends(`DHCPOFFER yiaddr=172.29.0.20 ${parameters}`);
  at("1 ms").client.sends("DHCPREQUEST");
  at("2 ms").server.sends("DHCPNAK server=172.29.0.1");
  at("2 ms").client.sends("DHCPDISCOVER new-xid no-requested");
  at("3 ms").server.sends(`DHCPOFFER yiaddr=172.29.0.20 ${parameters}`);
  at("3 ms").client.sends("DHCPREQUEST");
  at("4 ms").server.sends("DHCPNAK server=172.29.0.1");
  at("10 s").client.isSilent();
  at("10.002 s").client.sends("DHCPDISCOVER new-xid");
});

clientScenario("a NAK of another server than the chosen one says nothing", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("1 ms").server.sends(`DHCPOFFER yiaddr=172.29.0.20 ${parameters}`);
  at("1 ms").client.sends("DHCPREQUEST");
  at("2 ms").server.sends("DHCPNAK server=172.29.0.2");
  at("3 ms").server.sends(`DHCPACK yiaddr=172.29.0.20 ${parameters}`);
  at("3 ms").client.does("bound");
});

clientScenario("INIT-REBOOT: the former address is confirmed", { previous: "172.29.0.33" }, (at) => {
  at("0 s").client.sends("DHCPREQUEST no-broadcast requested=172.29.0.33 no-server no-ciaddr to=broadcast");
  at("1 ms").server.sends(`DHCPACK yiaddr=172.29.0.33 ${parameters}`);
  at("1 ms").client.does("bound 172.29.0.33/24");
});

clientScenario("INIT-REBOOT: the former address is refused", { previous: "172.29.0.33" }, (at) => {
  at("0 s").client.sends("DHCPREQUEST requested=172.29.0.33");
  at("1 ms").server.sends("DHCPNAK server=172.29.0.1");
  at("1 ms").client.sends("DHCPDISCOVER new-xid no-requested");
});

clientScenario("INIT-REBOOT: nobody knows the address, it becomes a wish", { previous: "172.29.0.33" }, (at) => {
  at("0 s").client.sends("DHCPREQUEST requested=172.29.0.33");
  at("200 ms +- 50 ms").client.sends("DHCPREQUEST same-xid");
  at("700 ms +- 175 ms").client.sends("DHCPREQUEST same-xid");
  at("1.7 s +- 425 ms").client.sends("DHCPDISCOVER new-xid requested=172.29.0.33");
});

clientScenario("INIT-REBOOT: not with an address of another network", { ...gateway, previous: "10.0.0.9" }, (at) => {
  at("0 s").client.sends("DHCPDISCOVER no-requested");
});

clientScenario("RENEWING by unicast at T1, the lease goes on", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("1 ms").server.sends(`DHCPACK rapid yiaddr=172.29.0.20 ${parameters}`);
  at("1 ms").client.does("bound 172.29.0.20/24");
  at("20520 s - 21600 s").client.sends(
    "DHCPREQUEST new-xid secs=0 ciaddr=172.29.0.20 no-broadcast no-requested no-server to=172.29.0.1",
  );
  at("21601 s").server.sends(`DHCPACK yiaddr=172.29.0.20 ciaddr=172.29.0.20 ${parameters}`);
  at("21601 s").client.does("renewed 172.29.0.20/24 expires=43200s");
  at("41040 s - 43201 s").client.sends("DHCPREQUEST ciaddr=172.29.0.20 to=172.29.0.1");
});

clientScenario("RENEWING, REBINDING, expiry, and anew with the old address as a wish", { seed: 4 }, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("0 s").server.sends("DHCPACK rapid yiaddr=172.29.0.20 server=172.29.0.1 lease=4000 mask=255.255.255.0");
  at("0 s").client.does("bound 172.29.0.20/24");
  at("1900 s - 2000 s").client.sends("DHCPREQUEST ciaddr=172.29.0.20 to=172.29.0.1 secs=0");
  // After half of what remains until T2 (3500 s), at least 60 s.
  at("2700 s - 2750 s").client.sends("DHCPREQUEST ciaddr=172.29.0.20 to=172.29.0.1 new-xid");
  at("3100 s - 3125 s").client.sends("DHCPREQUEST to=172.29.0.1");
  at("3300 s - 3313 s").client.sends("DHCPREQUEST to=172.29.0.1");
  at("3400 s - 3407 s").client.sends("DHCPREQUEST to=172.29.0.1");
  at("3450 s - 3467 s").client.sends("DHCPREQUEST to=172.29.0.1");
  at("3500 s").client.sends("DHCPREQUEST ciaddr=172.29.0.20 no-broadcast no-requested no-server to=broadcast secs=0");
  at("3750 s").client.sends("DHCPREQUEST to=broadcast secs=250");
  at("3875 s").client.sends("DHCPREQUEST to=broadcast");
  at("3937.5 s").client.sends("DHCPREQUEST to=broadcast");
  at("3997.5 s").client.sends("DHCPREQUEST to=broadcast");
  at("4000 s").client.does("lost expired");
  at("4000 s").client.sends("DHCPDISCOVER no-broadcast no-ciaddr requested=172.29.0.20");
});

clientScenario("REBINDING: any server may go on with the lease, and is the one from then on", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("0 s").server.sends("DHCPACK rapid yiaddr=172.29.0.20 server=172.29.0.1 lease=400 t1=300 t2=350");
  at("0 s").client.does("bound");
  at("285 s - 300 s").client.sends("DHCPREQUEST to=172.29.0.1");
  at("310 s - 325 s").client.sends("DHCPREQUEST to=172.29.0.1");
  at("335 s - 350 s").client.sends("DHCPREQUEST to=172.29.0.1");
  at("350 s").client.sends("DHCPREQUEST to=broadcast");
  at("350.01 s").server.sends("DHCPACK yiaddr=172.29.0.20 server=172.29.0.2 lease=400 t1=300 t2=350");
  at("350.01 s").client.does("renewed 172.29.0.20");
  at("635 s - 651 s").client.sends("DHCPREQUEST to=172.29.0.2");
});

clientScenario("NAK to a renewal: the address is lost, anew", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("0 s").server.sends("DHCPACK rapid yiaddr=172.29.0.20 server=172.29.0.1 lease=400");
  at("0 s").client.does("bound");
  at("190 s - 200 s").client.sends("DHCPREQUEST to=172.29.0.1");
  at("200 s").server.sends("DHCPNAK server=172.29.0.1");
  at("200 s").client.does("lost refused");
  at("200 s").client.sends("DHCPDISCOVER no-requested");
});

clientScenario("an answer to a former renewal does not count", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("0 s").server.sends("DHCPACK rapid yiaddr=172.29.0.20 server=172.29.0.1 lease=400");
  at("0 s").client.does("bound");
  at("190 s - 200 s").client.sends("DHCPREQUEST to=172.29.0.1");
  at("200 s").server.sends("DHCPACK xid=12345 yiaddr=172.29.0.20 server=172.29.0.1 lease=400");
  at("200 s").server.sends("DHCPACK mac=02:78:0a:2a:00:06 yiaddr=172.29.0.20 server=172.29.0.1 lease=400");
  at("200 s").server.sends("DHCPACK id=01:02:78:0a:2a:00:06 yiaddr=172.29.0.20 server=172.29.0.1 lease=400");
  at("210 s").client.isSilent();
});

clientScenario("a lease without end", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("0 s").server.sends("DHCPACK rapid yiaddr=172.29.0.20 server=172.29.0.1 lease=4294967295");
  at("0 s").client.does("bound 172.29.0.20/32 expires=never");
  at("9000 d").client.isSilent();
});

clientScenario("T1 and T2 that make no sense are not used", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("0 s").server.sends("DHCPACK rapid yiaddr=172.29.0.20 server=172.29.0.1 lease=400 t1=500 t2=100");
  at("0 s").client.does("bound");
  at("190 s - 200 s").client.sends("DHCPREQUEST to=172.29.0.1");
});

clientScenario("RELEASE on a planned stop, by unicast, while the address is there", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("0 s").server.sends(`DHCPACK rapid yiaddr=172.29.0.20 ${parameters}`);
  at("0 s").client.does("bound");
  at("10 s").client.isTold("release");
  at("10 s").client.sends(
    "DHCPRELEASE new-xid ciaddr=172.29.0.20 server=172.29.0.1 id=01:02:78:0a:2a:00:05 no-requested no-prl to=172.29.0.1",
  );
  at("10 s").client.does("lost released");
  at("10 d").client.isSilent();
});

clientScenario("a stop without a lease says nothing", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("10 ms").client.isTold("release");
  at("10 d").client.isSilent();
});

clientScenario(
  "DECLINE when another uses the address (RFC 5227), anew at once, the next time after ten seconds",
  {},
  (at) => {
    at("0 s").client.sends("DHCPDISCOVER");
    at("0 s").server.sends(`DHCPACK rapid yiaddr=172.29.0.20 ${parameters}`);
    at("0 s").client.does("bound");
    at("1 s").client.isTold("conflict");
    at("1 s").client.does("lost conflict");
    at("1 s").client.sends(
      "DHCPDECLINE no-ciaddr requested=172.29.0.20 server=172.29.0.1 id=01:02:78:0a:2a:00:05 no-prl to=broadcast",
    );
    at("1 s").client.sends("DHCPDISCOVER no-requested");
    // Made before the server read the DECLINE.
    at("1.005 s").server.sends(`DHCPACK rapid yiaddr=172.29.0.20 ${parameters}`);
    at("1.005 s").client.does("ignored 172.29.0.1: another host uses the address");
    at("1.01 s").server.sends(`DHCPACK rapid yiaddr=172.29.0.21 ${parameters}`);
    at("1.01 s").client.does("bound 172.29.0.21");
    at("2 s").client.isTold("conflict");
    at("2 s").client.does("lost conflict");
    at("2 s").client.sends("DHCPDECLINE requested=172.29.0.21");
    at("11 s").client.sends("DHCPDISCOVER");
  },
);

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
    ["172.29.0.77", "the address is one of this host's own"],
  ] as const
) {
  const ownAddresses = [parseIpv4("172.29.0.77")];
  clientScenario(`an offer of ${address} is refused: ${why}`, { ...gateway, ownAddresses }, (at) => {
    at("0 s").client.sends("DHCPDISCOVER");
    at("1 ms").server.sends(`DHCPOFFER yiaddr=${address} ${parameters}`);
    at("1 ms").client.does(`ignored 172.29.0.1: ${why}`);
    at("2 ms").server.sends(`DHCPACK rapid yiaddr=${address} ${parameters}`);
    at("100 ms").client.isSilent();
  });
}

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
