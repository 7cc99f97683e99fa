import assert from "node:assert/strict";
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { parseMac } from "../../mod/addr/mac.ts";
import { dhcpSenderFilter } from "../../mod/linux/dhcp_sender_filter.ts";
import { UdpSocket } from "../../mod/linux/udp_socket.ts";
import { encodeDhcp } from "../../mod/wire/dhcpv4.ts";
import { parse } from "../scenario/dhcp_text.ts";
import { cable, ip, kernelTest } from "./namespace.ts";

kernelTest("of a DHCP message in another's name nothing is left, and all of any other", async () => {
  await cable("server", "client");
  const [mac = ""] = /..:..:..:..:..:..(?= brd)/.exec(await ip("-o link show client")) ?? [];
  // Neither end has an address: as from a client without one, it all comes from 0.0.0.0.
  using server = UdpSocket.open({ device: "server", port: 67, broadcast: true, filter: dhcpSenderFilter });
  using client = UdpSocket.open({ device: "client", port: 68, broadcast: true });
  const received = async (bytes: Uint8Array<ArrayBuffer>) => {
    client.send(bytes, { address: parseIpv4("255.255.255.255"), port: 67 });
    return (await server.receive())!.bytes;
  };
  const message = (line: string, chaddr: string) =>
    encodeDhcp(parse(line, { op: 1, xid: 1, chaddr: parseMac(chaddr) }));
  const nothing = new Uint8Array(0);
  const own = message("DHCPDISCOVER", mac);
  assert.deepEqual(await received(own), own);
  // Of the two parts in which it is compared each counts.
  const changed = (at: number) => mac.slice(0, at) + (mac[at] === "0" ? "1" : "0") + mac.slice(at + 1);
  assert.deepEqual(await received(message("DHCPDISCOVER", changed(10))), nothing);
  assert.deepEqual(await received(message("DHCPDISCOVER", changed(16))), nothing);
  const relayed = message("DHCPDISCOVER giaddr=192.0.2.9", changed(16));
  assert.deepEqual(await received(relayed), relayed);
  const short = new Uint8Array(33).fill(7);
  assert.deepEqual(await received(short), short);
  assert.deepEqual(await received(new Uint8Array(34).fill(0)), nothing);
});
