/** How a client gets an address: DISCOVER, REQUEST, INIT-REBOOT. */
import { clientScenario, gateway, parameters } from "./dhcp_dialogue.ts";

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

clientScenario("the ACK of another server than the chosen one is no lease", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("1 ms").server.sends(`DHCPOFFER yiaddr=172.29.0.20 ${parameters}`);
  at("1 ms").client.sends("DHCPREQUEST server=172.29.0.1");
  at("2 ms").server.sends("DHCPACK yiaddr=172.29.0.20 server=172.29.0.2 lease=60");
  at("3 ms").server.sends(`DHCPACK yiaddr=172.29.0.20 ${parameters}`);
  at("3 ms").client.does("bound 172.29.0.20/24 expires=43200s");
});

clientScenario("an ACK that comes after the end of its own lease is none", {}, (at) => {
  at("0 s").client.sends("DHCPDISCOVER");
  at("1 ms").server.sends("DHCPOFFER yiaddr=172.29.0.20 server=172.29.0.1 lease=1");
  at("1 ms").client.sends("DHCPREQUEST");
  at("201 ms +- 50 ms").client.sends("DHCPREQUEST");
  at("701 ms +- 175 ms").client.sends("DHCPREQUEST");
  // The lease counts from the first REQUEST, which the ACK may be the answer to.
  at("1001 ms").server.sends("DHCPACK yiaddr=172.29.0.20 server=172.29.0.1 lease=1");
  at("1.701 s +- 425 ms").client.sends("DHCPREQUEST same-xid");
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
