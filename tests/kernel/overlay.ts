/** A gateway's VXLAN device in the namespace of a kernel test, and frames of those at the other ends of its tunnels. */
import { formatIpv4, type Ipv4, parseIpv4 } from "../../mod/addr/ipv4.ts";
import { broadcastMac, type Mac } from "../../mod/addr/mac.ts";
import { UdpSocket } from "../../mod/linux/udp_socket.ts";
import { ip } from "./namespace.ts";

export const device = "vxlan3150";
const gateway = parseIpv4("10.42.0.1");
const vxlanPort = 4789;

export async function overlay(): Promise<void> {
  await ip(
    `address add ${formatIpv4(gateway)}/32 dev lo`,
    `link add ${device} type vxlan id 3150 dstport ${vxlanPort} local ${formatIpv4(gateway)}`,
    `link set ${device} up`,
  );
}

/** A frame from `mac` by the VTEP `end`, which the kernel has taken in when this returns. */
export async function frameFrom(mac: Mac, end: Ipv4): Promise<void> {
  const header = Uint8Array.of(8, 0, 0, 0, 0, 12, 78, 0);
  const frame = Uint8Array.of(...broadcastMac, ...mac, 8, 0, ...new Uint8Array(46));
  await ip(`address replace ${formatIpv4(end)}/32 dev lo`);
  using socket = UdpSocket.open({ device: "lo", address: end, port: 4000 });
  socket.send(Uint8Array.of(...header, ...frame), { address: gateway, port: vxlanPort });
  await new Promise((resolve) => setTimeout(resolve, 20));
}
