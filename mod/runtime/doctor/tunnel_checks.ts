/** What a client's standing tunnel can do: the gateway answers in it, and packets of full size pass. */

import { formatIpv4 } from "../../addr/ipv4.ts";
import { type Finding, ok, problem } from "../../doctor/finding.ts";
import { versionQuestion } from "../../health/dns_question.ts";
import { decodeProbeAnswer, encodeProbeQuestion, type GatewayCondition, probeNonce } from "../../health/probe.ts";
import { type Datagram, UdpSocket } from "../../linux/udp_socket.ts";
import type { SocketAddress } from "../../linux/socket_address.ts";
import { dnsPort, probePort } from "../../netstate/names.ts";
import type { FoundTunnel } from "../../role/client.ts";
import { Writer } from "../../wire/bytes.ts";
import { exchange } from "./exchange.ts";

/** IPv4 20, UDP 8. */
const headers = 28;

/** A probe of `pgw`'s own through the tunnel. */
export async function checkProbe({ link: { tunnel } }: FoundTunnel, device: string): Promise<Finding> {
  const check = "tunnel: probe";
  const nonce = probeNonce(Math.random);
  const begun = performance.now();
  const to = { address: tunnel.gateway, port: probePort };
  using socket = UdpSocket.open({ device });
  const condition = await exchange(socket, encodeProbeQuestion(nonce), to, (datagram) => {
    const answer = isFrom(to, datagram) ? decodeProbeAnswer(datagram.bytes) : undefined;
    return answer?.nonce === nonce ? answer.condition : undefined;
  });
  const gateway = formatIpv4(tunnel.remote);
  if (condition === undefined) {
    return problem(
      check,
      `the gateway ${gateway} answers no probe in the tunnel`,
      "see the gateway's log; the client looks for another gateway by itself after PGW_CLIENT_PING_MISSES checks",
    );
  }
  const complaint = complaintAbout(condition);
  const detail = `the gateway ${gateway} answers after ${(performance.now() - begun).toFixed(1)} ms`;
  if (complaint === undefined) return ok(check, detail);
  return problem(check, `${detail}, but ${complaint}`, "see `pgw status` and the log in the gateway Pod");
}

/** A question as large as the tunnel's MTU allows, not to be fragmented inside it. */
export async function checkFullSize({ link: { tunnel } }: FoundTunnel, device: string): Promise<Finding> {
  const check = "tunnel: packet size";
  const question = paddedQuestion(tunnel.mtu - headers);
  const to = { address: tunnel.gateway, port: dnsPort };
  using socket = UdpSocket.open({ device });
  const isAnswer = (datagram: Datagram) =>
    isFrom(to, datagram) && [0, 1].every((index) => datagram.bytes[index] === question[index]);
  const answered = await exchange(socket, question, to, (datagram) => isAnswer(datagram) ? true : undefined);
  if (answered) return ok(check, `packets of ${tunnel.mtu} bytes reach the gateway`);
  return problem(
    check,
    `packets of ${tunnel.mtu} bytes, the tunnel's MTU, do not reach the gateway`,
    "the network between the Pods carries less than their interfaces say: set the CNI's MTU to what it really carries",
  );
}

function complaintAbout({ healthy, draining }: GatewayCondition): string | undefined {
  if (draining) return "it is about to stop";
  return healthy ? undefined : "it has no way out";
}

function isFrom({ address, port }: SocketAddress, datagram: Datagram): boolean {
  return datagram.address === address && datagram.port === port;
}

/** `version.bind CH TXT` with EDNS padding (RFC 7830) up to `size` bytes. */
function paddedQuestion(size: number): Uint8Array<ArrayBuffer> {
  const fixed = 12 + 14 + 4 + 11 + 4;
  const [id = 0] = crypto.getRandomValues(new Uint16Array(1));
  return versionQuestion(id, new Writer(size, size), 1)
    .u8(0).u16(41).u16(1232).u32(0).u16(4 + size - fixed)
    .u16(12).u16(size - fixed).zeros(size - fixed).finish();
}
