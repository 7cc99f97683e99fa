/**
 * A lease that nobody gave. V8 compiles a function when it is first called; a real lease need not wait for that, because
 * this one went through the same functions while the client waited for something else. Nothing stays of it.
 */

import type { Ipv4 } from "../addr/ipv4.ts";
import { hostAddress } from "../addr/prefix.ts";
import { decodeDhcp, type DhcpMessage, encodeDhcp, noBytes } from "../wire/dhcpv4.ts";
import { ipv4Value, messageTypes, optionCodes, u32Value, u8Value } from "../wire/dhcpv4_options.ts";
import { step } from "./client.ts";
import { startLease } from "./client_lease.ts";
import type { ClientConfig, ClientState } from "./client_state.ts";

/** The state that `state` leads to when a lease is given at once. */
export function rehearseLease(
  config: ClientConfig,
  { search, link }: Extract<ClientState, { kind: "connecting" }>,
  now: number,
): ClientState {
  const random = () => 0.5;
  const { state, effects } = startLease(config, search, link, now, random);
  const question = effects.find((effect) => effect.kind === "sendDhcp")?.message;
  if (question === undefined) return state;
  const { gateway } = link.tunnel;
  const address = [2, 3].map((host) => hostAddress(link.network, host)).find((address) => address !== gateway)!;
  const answer = decodeDhcp(encodeDhcp(ackOf(decodeDhcp(encodeDhcp(question)), address, gateway)));
  return step(config, state, { kind: "dhcp", message: answer, from: gateway }, now, random).state;
}

function ackOf(question: DhcpMessage, address: Ipv4, server: Ipv4): DhcpMessage {
  const options = new Map([
    [optionCodes.messageType, u8Value(messageTypes.ack)],
    [optionCodes.serverIdentifier, ipv4Value(server)],
    [optionCodes.leaseTime, u32Value(3_600)],
    [optionCodes.router, ipv4Value(server)],
    [optionCodes.domainNameServer, ipv4Value(server)],
    [optionCodes.rapidCommit, noBytes],
  ]);
  return { ...question, op: 2, yiaddr: address, options };
}
