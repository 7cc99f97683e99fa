/** Frames of an attacker's making, and how they come to a VXLAN port. */
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import type { Mac } from "../../mod/addr/mac.ts";
import { encodeUdpPacket } from "../../mod/wire/udp.ts";
import { encodeVxlan } from "../../mod/wire/vxlan.ts";
import type { Namespace } from "./namespace.ts";
import type { Pod } from "./pod.ts";
import { scriptCommand } from "./program.ts";

const vni = 3150;

/** An Ethernet frame in VXLAN, in hexadecimal. */
export function frame(to: Mac, from: Mac, etherType: number, body: Uint8Array): string {
  const bytes = Uint8Array.of(...to, ...from, etherType >> 8, etherType & 0xff, ...body);
  return encodeVxlan({ vni, frame: bytes }).toHex();
}

/** The same with a UDP datagram in it. */
export function udpFrame(
  to: Mac,
  from: Mac,
  [source, sourcePort]: [string, number],
  [destination, port]: [string, number],
  payload: Uint8Array,
) {
  const addresses = {
    source: parseIpv4(source),
    sourcePort,
    destination: parseIpv4(destination),
    destinationPort: port,
  };
  return frame(to, from, 0x0800, encodeUdpPacket({ ...addresses, payload }));
}

/** From `attacker` to `port` of `target`, by default that of VXLAN; `source`: where it claims to come from. */
export async function inject(attacker: Namespace, target: Pod, hex: string, source?: Pod, port = 4789): Promise<void> {
  const claimed = source === undefined ? [] : [source.address.v4];
  await attacker.exec([...scriptCommand("inject_main.ts", target.address.v4, String(port), hex, ...claimed)]);
}
