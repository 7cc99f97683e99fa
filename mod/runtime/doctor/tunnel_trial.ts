/**
 * Whether the network lets VXLAN through between this Pod and a gateway, before there is a tunnel: a DHCPDISCOVER, made
 * by hand from the Ethernet frame up, must bring an offer. Nothing is leased by it.
 */

import { encodeDhcpBroadcast } from "../../dhcp/client_frame.ts";
import { discoverMessage } from "../../dhcp/client_messages.ts";
import { type Finding, ok, problem, skipped } from "../../doctor/finding.ts";
import { UdpSocket } from "../../linux/udp_socket.ts";
import type { Uplink } from "../../netstate/uplink.ts";
import type { GatewayInfo } from "../../role/gateway_info.ts";
import { decodeDhcp } from "../../wire/dhcpv4.ts";
import { optionCodes } from "../../wire/dhcpv4_options.ts";
import { decodeEthernet } from "../../wire/ethernet.ts";
import { decodeIpv4 } from "../../wire/ipv4.ts";
import { decodeUdp } from "../../wire/udp.ts";
import { decodeVxlan, encodeVxlan } from "../../wire/vxlan.ts";
import { messageOf } from "../failure.ts";
import { exchange } from "./exchange.ts";

export async function checkVxlanPath(uplink: Uplink, { podAddress, vxlan }: GatewayInfo): Promise<Finding> {
  const check = "tunnel: path";
  const question = offerQuestion();
  const datagram = encodeVxlan({ vni: vxlan.id, frame: encodeDhcpBroadcast(question) });
  try {
    using socket = UdpSocket.open({ address: uplink.address, port: vxlan.port });
    const offer = await exchange(socket, datagram, { address: podAddress, port: vxlan.port }, ({ bytes }) => {
      const { frame } = decodeVxlan(bytes);
      const message = decodeDhcp(decodeUdp(decodeIpv4(decodeEthernet(frame).payload)).payload);
      return message.xid === question.xid ? message : undefined;
    });
    if (offer !== undefined) return ok(check, `UDP port ${vxlan.port} passes both ways: the gateway made an offer`);
  } catch (error) {
    return skipped(check, `VXLAN cannot be tried from here: ${messageOf(error)}`);
  }
  return problem(
    check,
    `the gateway answers over HTTP, but nothing comes back by UDP port ${vxlan.port}`,
    "allow that port between the two Pods where a NetworkPolicy stands; where the CNI drops it (Calico drops 4789 from " +
      "Pods), set another PGW_VXLAN_PORT on the gateway",
  );
}

/** Without rapid commit (RFC 4039), which would make a lease of it. */
function offerQuestion() {
  const mac = crypto.getRandomValues(new Uint8Array(6));
  // an address of nobody's: locally administered, unicast
  mac[0] = 0x02;
  const [xid = 0] = crypto.getRandomValues(new Uint32Array(1));
  const message = discoverMessage({ mac }, { xid, secs: 0 });
  return { ...message, options: new Map([...message.options].filter(([code]) => code !== optionCodes.rapidCommit)) };
}
