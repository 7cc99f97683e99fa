/** What a client does with an address: RENEWING, REBINDING, the end of the lease, RELEASE, DECLINE. */
import { clientScenario, parameters } from "./dhcp_dialogue.ts";

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

clientScenario("T1 of zero is not used: a renewal would follow the other without a rest", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("0 s").server.sends("DHCPACK rapid yiaddr=172.29.0.20 server=172.29.0.1 lease=400 t1=0 t2=350");
  at("0 s").client.does("bound");
  at("190 s - 200 s").client.sends("DHCPREQUEST to=172.29.0.1");
});

clientScenario("secs stays at the most that its 16 bits hold", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("0 s").server.sends("DHCPACK rapid yiaddr=172.29.0.20 server=172.29.0.1 lease=400000 t1=100 t2=200");
  at("0 s").client.does("bound");
  at("95 s - 100 s").client.sends("DHCPREQUEST to=172.29.0.1 secs=0");
  at("155 s - 160 s").client.sends("DHCPREQUEST to=172.29.0.1");
  at("200 s").client.sends("DHCPREQUEST to=broadcast secs=0");
  // After half of the 399,800 s that remain.
  at("200100 s").client.sends("DHCPREQUEST to=broadcast secs=65535");
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
