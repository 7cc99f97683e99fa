/** The DHCP client: a pure state machine (RFC 2131 section 4.4, figure 5; RFC 4039, 5227, 6842). */

import { broadcast, formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import { sameBytes } from "../wire/bytes.ts";
import type { DhcpMessage } from "../wire/dhcpv4.ts";
import { messageTypes, optionCodes, readIpv4, readU8 } from "../wire/dhcpv4_options.ts";
import {
  clientIdentifier,
  type ClientIdentity,
  declineMessage,
  discoverMessage,
  releaseMessage,
  renewMessage,
  requestMessage,
} from "./client_messages.ts";
import {
  type Asking,
  type ClientEvent,
  type ClientState,
  type Context,
  type DhcpClientConfig,
  type Exchange,
  heldLease,
  type Holding,
  type Random,
  stay,
  type Step,
  withEffects,
} from "./client_state.ts";
import { type Lease, readLease, refusal } from "./lease.ts";
import { earlyAttempts, renewalRetryAt, retransmissionDelay } from "./retransmission.ts";

export type { ClientEffect, ClientEvent, ClientState, DhcpClientConfig, Random, Step } from "./client_state.ts";
export { heldLease } from "./client_state.ts";
export type { Lease } from "./lease.ts";

/** RFC 2131 section 3.1: after a DHCPDECLINE at least ten seconds, lest client and server go in circles. */
export const restartInterval = 10_000;
/** After how many repetitions a server that made an offer is given up (section 3.1 step 5: four). */
const requestRepetitions = 4;
/** And one that is to confirm a former address. Servers that do not know it are silent (section 4.3.2). */
const rebootRepetitions = 2;
const reportedLimit = 16;

/**
 * Begins. With `previous`, the address that the client had before, in INIT-REBOOT; else with a DHCPDISCOVER, at once:
 * the random second to ten of RFC 2131 section 4.4.1 are for a LAN that comes back after a power cut.
 */
export function startDhcpClient(
  config: DhcpClientConfig,
  previous: { readonly address: Ipv4 } | undefined,
  now: number,
  random: Random,
): Step {
  const context = newContext(config);
  if (previous === undefined || refusal(previous.address, config) !== undefined) return discover(context, now, random);
  const exchange = newExchange(now, random);
  return say({ kind: "rebooting", context, exchange, address: previous.address });
}

/** Goes on with a lease that an earlier process got, in BOUND. */
export function resumeDhcpClient(config: DhcpClientConfig, lease: Lease): ClientState {
  return { kind: "bound", context: newContext(config), lease };
}

function newContext(config: DhcpClientConfig): Context {
  return { config, restartedAt: -Infinity, reported: new Set() };
}

/**
 * Advances the client. Pure: `now` (milliseconds) and `random` are the only sources of time and chance.
 */
export function step(state: ClientState, event: ClientEvent, now: number, random: Random): Step {
  switch (event.kind) {
    case "message":
      return receive(state, event, now, random);
    case "tick":
      return wake(state, now, random);
    case "release":
      return release(state, random);
    case "conflict":
      return decline(state, now, random);
  }
}

// Time passes.

function wake(state: ClientState, now: number, random: Random): Step {
  switch (state.kind) {
    case "waiting":
      return now < state.until ? stay(state) : discover(state.context, now, random);
    case "selecting":
      return now < state.exchange.retransmitAt ? stay(state) : sayAgain(state, now, random);
    case "requesting":
      if (now < state.exchange.retransmitAt) return stay(state);
      if (state.exchange.attempt >= requestRepetitions) return discover(state.context, now, random, state.address);
      return sayAgain(state, now, random);
    case "rebooting":
      if (now < state.exchange.retransmitAt) return stay(state);
      if (state.exchange.attempt >= rebootRepetitions) return discover(state.context, now, random, state.address);
      return sayAgain(state, now, random);
    case "bound":
    case "renewing":
    case "rebinding":
      return wakeHolder(state, now, random);
    case "stopped":
      return stay(state);
  }
}

function wakeHolder(state: Holding, now: number, random: Random): Step {
  const { context, lease } = state;
  if (now >= lease.expiresAt) {
    return withEffects([{ kind: "lost", reason: "expired" }], discover(context, now, random, lease.address));
  }
  const due = now >= lease.rebindAt ? "rebinding" : now >= lease.renewAt ? "renewing" : undefined;
  if (due === undefined || (due === state.kind && now < state.exchange.retransmitAt)) return stay(state);
  const deadline = due === "renewing" ? lease.rebindAt : lease.expiresAt;
  const startedAt = due === state.kind ? state.exchange.startedAt : now;
  // Each one has an `xid` of its own, so that it is known when the extended lease began.
  const exchange: Exchange = {
    xid: newXid(random),
    secs: Math.floor((now - startedAt) / 1000),
    startedAt,
    askedAt: now,
    attempt: due === state.kind ? state.exchange.attempt + 1 : 0,
    retransmitAt: renewalRetryAt(now, deadline, lease.expiresAt - lease.boundAt),
  };
  return say({ kind: due, context, exchange, lease });
}

function discover(context: Context, now: number, random: Random, hint?: Ipv4): Step {
  const exchange = newExchange(now, random);
  return say({ kind: "selecting", context, exchange, ...(hint === undefined ? {} : { hint }) });
}

/** Back to INIT after an answer that says that the address cannot be had. */
function restart(context: Context, now: number, random: Random): Step {
  const until = context.restartedAt + restartInterval;
  if (now < until) return stay({ kind: "waiting", context, until });
  return discover({ ...context, restartedAt: now }, now, random);
}

// Messages come.

function receive(
  state: ClientState,
  { message, from }: Extract<ClientEvent, { kind: "message" }>,
  now: number,
  random: Random,
): Step {
  const { config } = state.context;
  if (!isForUs(message, config)) return stay(state);
  const type = readU8(message.options, optionCodes.messageType);
  const server = readIpv4(message.options, optionCodes.serverIdentifier);
  if (server === undefined) return stay(state);
  if (config.server !== undefined) {
    const stranger = [server, from].find((address) => address !== undefined && address !== config.server);
    if (stranger !== undefined) {
      return ignore(state, stranger, `it is not the server that was chosen, ${formatIpv4(config.server)}`);
    }
  }
  if (!("exchange" in state) || message.xid !== state.exchange.xid) return stay(state);
  switch (type) {
    case messageTypes.offer:
      return state.kind === "selecting" ? select(state, message, server, now, random) : stay(state);
    case messageTypes.ack:
      return acknowledge(state, message, server, now, random);
    case messageTypes.nak:
      return refused(state, server, now, random);
    default:
      return stay(state);
  }
}

/** Whether the message answers this client, by `chaddr` and, where echoed (RFC 6842), option 61. */
function isForUs(message: DhcpMessage, identity: ClientIdentity): boolean {
  if (message.op !== 2 || !sameBytes(message.chaddr, identity.mac)) return false;
  const echoed = message.options.get(optionCodes.clientIdentifier);
  return echoed === undefined || sameBytes(echoed, clientIdentifier(identity));
}

/** SELECTING to REQUESTING: the first offer that can be taken. */
function select(
  state: Extract<ClientState, { kind: "selecting" }>,
  message: DhcpMessage,
  server: Ipv4,
  now: number,
  random: Random,
): Step {
  const { context, exchange } = state;
  const why = objection(message.yiaddr, context, now) ?? lacking(message, context.config, random);
  if (why !== undefined) return ignore(state, server, why);
  return say({
    kind: "requesting",
    context,
    exchange: { ...exchange, askedAt: now, attempt: 0, retransmitAt: now + retransmissionDelay(0, random) },
    address: message.yiaddr,
    server,
  });
}

/** Why the address of an answer is not taken. A server may make its offer before it reads the DHCPDECLINE. */
function objection(address: Ipv4, { config, declined }: Context, now: number): string | undefined {
  if (declined?.address === address && now < declined.at + restartInterval) return "another host uses the address";
  return refusal(address, config);
}

function lacking(message: DhcpMessage, config: DhcpClientConfig, random: Random): string | undefined {
  return readLease(message, config, 0, random) === undefined ? "it names no lease time" : undefined;
}

function acknowledge(
  state: Asking,
  message: DhcpMessage,
  server: Ipv4,
  now: number,
  random: Random,
): Step {
  const { context } = state;
  if (state.kind === "selecting" && !message.options.has(optionCodes.rapidCommit)) return stay(state);
  if (state.kind === "requesting" && server !== state.server) return stay(state);
  const why = objection(message.yiaddr, context, now);
  if (why !== undefined) return ignore(state, server, why);
  const lease = readLease(message, context.config, state.exchange.askedAt, random);
  if (lease === undefined) return ignore(state, server, "it names no lease time");
  if (now >= lease.expiresAt) return stay(state);
  if (context.config.ownAddresses?.includes(lease.address)) {
    const { effects, state: told } = ignore(state, server, "the address is one of this host's own");
    // An offer that is not taken would be made again and again.
    return withEffects(effects, decline({ kind: "bound", context: told.context, lease }, now, random));
  }
  const renewed = heldLease(state)?.address === lease.address;
  return { ...stay({ kind: "bound", context, lease }), effects: [{ kind: "bound", lease, renewed }] };
}

/** DHCPNAK. */
function refused(
  state: Asking,
  server: Ipv4,
  now: number,
  random: Random,
): Step {
  switch (state.kind) {
    case "selecting":
      return stay(state);
    case "requesting":
      return server === state.server ? restart(state.context, now, random) : stay(state);
    case "rebooting":
      return restart(state.context, now, random);
    case "renewing":
    case "rebinding":
      return withEffects([{ kind: "lost", reason: "refused" }], restart(state.context, now, random));
  }
}

function ignore(state: ClientState, server: Ipv4, reason: string): Step {
  const { context } = state;
  const key = `${server} ${reason}`;
  if (context.reported.has(key) || context.reported.size >= reportedLimit) return stay(state);
  const reported = new Set(context.reported).add(key);
  return withEffects([{ kind: "ignored", reason, server }], stay({ ...state, context: { ...context, reported } }));
}

// The host wants something.

function release(state: ClientState, random: Random): Step {
  const { context } = state;
  const lease = heldLease(state);
  const stopped = stay({ kind: "stopped", context });
  if (lease === undefined) return stopped;
  const message = releaseMessage(context.config, { xid: newXid(random), secs: 0 }, lease.address, lease.server);
  return withEffects([
    { kind: "send", message, destination: lease.server },
    { kind: "lost", reason: "released" },
  ], stopped);
}

function decline(state: ClientState, now: number, random: Random): Step {
  const lease = heldLease(state);
  if (lease === undefined) return stay(state);
  const context: Context = { ...state.context, declined: { address: lease.address, at: now } };
  const transaction = { xid: newXid(random), secs: 0 };
  const message = declineMessage(context.config, transaction, lease.address, lease.server);
  return withEffects([
    { kind: "lost", reason: "conflict" },
    { kind: "send", message, destination: broadcast },
  ], restart(context, now, random));
}

// Sending.

function newXid(random: Random): number {
  return Math.floor(random() * 0x100000000);
}

function newExchange(now: number, random: Random): Exchange {
  const xid = newXid(random);
  return { xid, secs: 0, startedAt: now, askedAt: now, attempt: 0, retransmitAt: now + retransmissionDelay(0, random) };
}

/** Enters a state by sending its message. */
function say(state: Asking): Step {
  return withEffects([{ kind: "send", ...messageOf(state) }], stay(state));
}

function sayAgain(
  state: Extract<ClientState, { kind: "selecting" | "requesting" | "rebooting" }>,
  now: number,
  random: Random,
): Step {
  const attempt = state.exchange.attempt + 1;
  const { startedAt, askedAt } = state.exchange;
  // A DHCPREQUEST keeps "the same value in the secs field as the original DHCPDISCOVER" (section 4.4.1).
  const current = state.kind === "selecting"
    ? { secs: Math.floor((now - startedAt) / 1000), askedAt: attempt > earlyAttempts ? now : askedAt }
    : {};
  const retransmitAt = now + retransmissionDelay(attempt, random);
  return say({ ...state, exchange: { ...state.exchange, ...current, attempt, retransmitAt } });
}

function messageOf(state: Asking): { message: DhcpMessage; destination: Ipv4 } {
  const { context: { config }, exchange } = state;
  switch (state.kind) {
    case "selecting":
      return { message: discoverMessage(config, exchange, state.hint), destination: broadcast };
    case "requesting":
      return { message: requestMessage(config, exchange, state.address, state.server), destination: broadcast };
    case "rebooting":
      return { message: requestMessage(config, exchange, state.address), destination: broadcast };
    case "renewing":
      return { message: renewMessage(config, exchange, state.lease.address), destination: state.lease.server };
    case "rebinding":
      return { message: renewMessage(config, exchange, state.lease.address), destination: broadcast };
  }
}
