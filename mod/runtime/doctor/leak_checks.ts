/** Tries to get out of a closed or tunnelled Pod as an application would, and counts what leaves. */

import { judge, type LeakKind, leakKinds, type Sending } from "../../doctor/leaks.ts";
import type { Control } from "../../doctor/leaks.ts";
import type { Finding } from "../../doctor/finding.ts";
import { lookupQuestion } from "../../dns/lookup.ts";
import { PacketCounter } from "../../linux/packet_counter.ts";
import type { Runner } from "../../linux/runner.ts";
import { sendSinglePacket, type SinglePacket } from "../../linux/single_packet.ts";
import { aroundMark } from "../../netstate/names.ts";

export type LeakTrial = {
  readonly family: 4 | 6;
  /** Whom the probes are for. */
  readonly target: string;
  /** The Pod's own interface. */
  readonly uplink: string;
  /** The tunnel's interface, by which packets may leave. */
  readonly tunnel: string;
};

const ports = { TCP: 443, UDP: 443, DNS: 53, ICMP: 0 } as const;
const protocols = { TCP: "tcp", UDP: "udp", DNS: "udp", ICMP: "icmp" } as const;
/** Long enough for a packet to pass the rules of a busy machine, and for a second SYN. */
const settleMs = 1_200;

/** One finding for each kind of packet. */
export async function checkLeaks(runner: Runner, trial: LeakTrial): Promise<Finding[]> {
  const { family, target, uplink: device } = trial;
  const counter = await PacketCounter.start(runner, family, matches(trial));
  try {
    const control = sendSinglePacket({ ...packet("DNS", trial, "control.invalid"), mark: aroundMark });
    const sendings = leakKinds.map((kind) => sendSinglePacket(packet(kind, trial)));
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    // the first is what goes to the loopback, the second the control
    const [, controlled = 0, ...left] = await counter.read();
    return leakKinds.map((kind, index) =>
      judge(
        { kind, family, target, device, sending: sendings[index]!, left: left[index]! },
        controlOf(control, controlled),
      )
    );
  } finally {
    await counter.stop();
  }
}

function controlOf(sending: Sending, counted: number): Control {
  if (counted > 0) return "counted";
  const noWay = ["ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL"];
  return sending.outcome !== "taken" && noWay.includes(sending.code) ? "no way" : "missed";
}

/** @param name what a DNS question asks for: `invalid` is nobody's (RFC 6761 section 6.4) */
function packet(kind: LeakKind, { family, target, uplink }: LeakTrial, name = "probe.invalid"): SinglePacket {
  const question = kind === "DNS" ? lookupQuestion(name, 0x3150) : undefined;
  return {
    family,
    protocol: protocols[kind],
    target,
    port: ports[kind],
    device: uplink,
    ...(question === undefined ? {} : { payload: question }),
  };
}

/** A question that was led elsewhere on its way counts as well: its original destination is what tells it. */
function matches({ family, target, tunnel }: LeakTrial): string[] {
  const udp = `! -o ${tunnel} -p udp -m udp`;
  const sentTo = `-m conntrack --ctorigdst ${target}`;
  return [
    "-o lo",
    `${udp} --dport ${ports.DNS} ${sentTo} -m mark --mark 0x${aroundMark.toString(16)}`,
    `! -o ${tunnel} -d ${target} -p tcp`,
    `${udp} --dport ${ports.UDP} -d ${target}`,
    `! -o ${tunnel} -d ${target} -p ${family === 4 ? "icmp" : "ipv6-icmp"}`,
    `${udp} --dport ${ports.DNS} ${sentTo}`,
  ];
}
