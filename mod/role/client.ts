/**
 * The client: from a closed Pod to one whose traffic goes through a gateway, and back again when the gateway is gone.
 *
 * ```
 * closing -> resolving -> admitting -> asking -> connecting -> leasing -> addressing -> verifying -> opening -> open
 *               ^  ^---------- pausing <-----------'              |           |             |                    |
 *               '----------------------------------------------------------------------------------- gateway gone'
 * ```
 *
 * Pure: `step` is called with an event and the time, and returns the next state, what to do, and when to be called
 * again. What the kernel should hold is {@link phaseOf} the state; the shell makes it so and says `applied`.
 */

import { formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import * as dhcp from "../dhcp/client.ts";
import type { Lease } from "../dhcp/lease.ts";
import { notice } from "../health/probe.ts";
import { answerWatch, probeNow, startWatch, tickWatch, type WatchConfig } from "../health/watch.ts";
import type { Uplink } from "../netstate/uplink.ts";
import type { ClientEffect, ClientEvent, GatewayAnswer, LogEffect } from "./client_event.ts";
import { complaintOf, linkTo, type Loss, obstacleOf } from "./client_link.ts";
import { say, silent } from "./client_report.ts";
import type { Aim, ClientConfig, ClientState, FoundTunnel, Link, Random, Search, Step } from "./client_state.ts";

export { phaseName, phaseOf } from "./client_state.ts";
export type { ClientConfig, ClientState, FoundTunnel, Step } from "./client_state.ts";

const fresh: Aim = { attempts: 0, report: silent };

/** dnsmasq offers after three seconds: it pings the address first. */
const leaseTimeoutMs = 10_000;
const rejoinTimeoutMs = 1_500;
const verifyTimeoutMs = 3_000;
const verifyWatch: WatchConfig = { intervalMs: 400, misses: 1_000 };
const shortestPauseMs = 100;
const longestPauseMs = 5_000;
/** Between attempts at what needs nobody's answer: to close the Pod, to find its interface. */
const retryMs = 1_000;
/**
 * A client that has done nothing yet. Its Pod is to be closed, unless an earlier process left it open: then that is
 * taken over if the gateway confirms it.
 */
export function startClient(config: ClientConfig, found?: FoundTunnel): Step {
  if (found === undefined) return rest({ kind: "closing", aim: fresh });
  const candidates = [{ address: found.tunnel.remote, port: config.httpPort }];
  return { state: { kind: "adopting", found }, effects: [{ kind: "ask", candidates }], wakeAt: Infinity };
}

/** Advances the client. `now` (milliseconds) and `random` (in [0, 1)) are the only sources of time and chance. */
export function step(config: ClientConfig, state: ClientState, event: ClientEvent, now: number, random: Random): Step {
  if (event.kind === "stop") return stop(config, state, now, random);
  if (event.kind === "applyFailed" && state.kind !== "stopping") return applyFailed(state, event.reason, now, random);
  switch (state.kind) {
    case "adopting":
      return adopting(config, state, event, now, random);
    case "rejoining":
      return rejoining(state, event, now, random);
    case "closing":
      return event.kind === "applied" ? observe(state.aim) : rest(state);
    case "observing":
      return observing(state, event, now);
    case "resolving":
      if (event.kind === "resolved") {
        return rest({ kind: "admitting", search: state.search, candidates: event.candidates });
      }
      return event.kind === "unresolved" ? pause(state.search, event.reason, now, random) : rest(state);
    case "admitting": {
      if (event.kind !== "applied") return rest(state);
      const { avoid } = state.search;
      const ask: ClientEffect = {
        kind: "ask",
        candidates: state.candidates,
        ...(avoid === undefined ? {} : { avoid }),
      };
      return { state: { ...state, kind: "asking" }, effects: [ask], wakeAt: Infinity };
    }
    case "asking":
      if (event.kind === "answered") return choose(config, state.search, event.answer, now, random);
      return event.kind === "unanswered" ? pause(state.search, event.reason, now, random) : rest(state);
    case "pausing":
      return pausing(state, now);
    case "connecting":
      return event.kind === "applied" ? startLease(config, state.search, state.link, now, random) : rest(state);
    case "leasing":
      return leasing(state, event, now, random);
    case "addressing":
      if (event.kind !== "applied") return withDhcp(state, event, now, random);
      return verify(state, now, random);
    case "verifying":
      return verifying(state, event, now, random);
    case "opening":
      return event.kind === "applied" ? opened(config, state, now) : withDhcp(state, event, now, random);
    case "open":
      return open(state, event, now, random);
    case "stopping":
      if (event.kind !== "applied" && event.kind !== "applyFailed") return rest(state);
      return { state: { kind: "stopped" }, effects: [{ kind: "exit", reason: "stopped" }], wakeAt: Infinity };
    case "stopped":
      return rest(state);
  }
}

// Taking over.

function adopting(
  config: ClientConfig,
  state: Extract<ClientState, { kind: "adopting" }>,
  event: ClientEvent,
  now: number,
  random: Random,
): Step {
  const { uplink, tunnel, address } = state.found;
  if (event.kind === "unanswered") return closeFirst(address);
  if (event.kind !== "answered") return rest(state);
  const link = linkTo(config, uplink, event.answer);
  const isSame = link.tunnel.remote === tunnel.remote && link.tunnel.id === tunnel.id &&
    link.tunnel.port === tunnel.port && link.tunnel.gateway === tunnel.gateway;
  if (!isSame || obstacleOf(config, link) !== undefined) return closeFirst(address);
  const search: Search = { ...fresh, uplink, previous: address };
  const { state: leasing, effects, wakeAt } = startLease(config, search, link, now, random);
  if (leasing.kind !== "leasing") return closeFirst(address);
  return { state: { ...leasing, kind: "rejoining", deadline: now + rejoinTimeoutMs }, effects, wakeAt };
}

type Rejoining = Extract<ClientState, { kind: "rejoining" }>;

function rejoining(state: Rejoining, event: ClientEvent, now: number, random: Random): Step {
  const address = state.search.previous;
  if (now >= state.deadline) return closeFirst(address);
  const result = dhcp.step(state.dhcp, dhcpEvent(event), now, random);
  const lease = dhcp.heldLease(result.state);
  if (lease === undefined) {
    const next: Rejoining = { ...state, dhcp: result.state };
    return { state: next, effects: dhcpEffects(result), wakeAt: Math.min(result.wakeAt, state.deadline) };
  }
  if (lease.address !== address) return closeFirst(lease.address);
  const effects = [...dhcpEffects(result), ...resolvConfEffects(state.link, lease)];
  return { state: { kind: "opening", link: state.link, dhcp: result.state, lease }, effects, wakeAt: Infinity };
}

/** What was found cannot be confirmed: the Pod is closed, and everything begins anew. */
function closeFirst(previous: Ipv4 | undefined): Step {
  return rest({ kind: "closing", aim: { ...fresh, ...(previous === undefined ? {} : { previous }) } });
}

// Looking for a gateway.

function observe(aim: Aim): Step {
  const effects: ClientEffect[] = [{ kind: "observeUplink" }];
  return { state: { kind: "observing", aim, at: Infinity }, effects, wakeAt: Infinity };
}

type Observing = Extract<ClientState, { kind: "observing" }>;

function observing(state: Observing, event: ClientEvent, now: number): Step {
  if (event.kind === "uplink") return resolve({ ...state.aim, uplink: event.uplink });
  if (event.kind === "noUplink") {
    const at = now + retryMs;
    const { report, effects } = say(state.aim.report, event.reason, now);
    return { state: { ...state, aim: { ...state.aim, report }, at }, effects, wakeAt: at };
  }
  return now < state.at ? { state, effects: [], wakeAt: state.at } : observe(state.aim);
}

function resolve(search: Search): Step {
  return { state: { kind: "resolving", search }, effects: [{ kind: "resolve" }], wakeAt: Infinity };
}

function pausing(state: Extract<ClientState, { kind: "pausing" }>, now: number): Step {
  if (now < state.until) return { state, effects: [], wakeAt: state.until };
  // The Pod's own interface may be another by now, and the old one what was wrong.
  const { uplink: _, ...aim } = state.search;
  return observe(aim);
}

/** Waits before the next attempt: longer after each, never above a bound, and never in step with other clients. */
function pause(search: Search, reason: string, now: number, random: Random): Step {
  const ceiling = Math.min(longestPauseMs, shortestPauseMs * 2 ** search.attempts);
  const until = now + ceiling * (0.5 + 0.5 * random());
  const { report, effects } = say(search.report, reason, now);
  const attempts = Math.min(search.attempts + 1, 30);
  return { state: { kind: "pausing", search: { ...search, attempts, report }, until }, effects, wakeAt: until };
}

/** Takes the gateway that answered, or says what is wrong with it. */
function choose(config: ClientConfig, search: Search, answer: GatewayAnswer, now: number, random: Random): Step {
  const link = linkTo(config, search.uplink, answer);
  const obstacle = obstacleOf(config, link);
  if (obstacle !== undefined) return pause(search, obstacle, now, random);
  const fields = { gateway: formatIpv4(link.tunnel.remote), vxlanId: link.tunnel.id, vxlanPort: link.tunnel.port };
  return {
    state: { kind: "connecting", search, link },
    effects: [info(`gateway found: ${fields.gateway}`, fields)],
    wakeAt: Infinity,
  };
}

// A lease.

function startLease(config: ClientConfig, search: Search, link: Link, now: number, random: Random): Step {
  const { previous } = search;
  const first = dhcp.startDhcpClient(
    {
      mac: link.tunnel.mac,
      network: link.network,
      server: link.tunnel.gateway,
      ownAddresses: [link.uplink.address],
      ...(config.hostName === undefined ? {} : { hostName: config.hostName }),
    },
    previous === undefined ? undefined : { address: previous },
    now,
    random,
  );
  const state = { kind: "leasing" as const, search, link, dhcp: first.state, deadline: now + leaseTimeoutMs };
  return leaseStep(state, first, now, random);
}

function leasing(
  state: Extract<ClientState, { kind: "leasing" }>,
  event: ClientEvent,
  now: number,
  random: Random,
): Step {
  if (now >= state.deadline) {
    const { remote, port } = state.link.tunnel;
    const gateway = formatIpv4(remote);
    const reason = `the gateway ${gateway} answers over HTTP, but nothing comes back through the tunnel: is UDP port ` +
      `${port} between the two Pods blocked by a NetworkPolicy or by the CNI (Calico drops 4789 from Pods: set ` +
      "PGW_VXLAN_PORT on the gateway)?";
    return pause({ ...state.search, avoid: remote }, reason, now, random);
  }
  return leaseStep(state, dhcp.step(state.dhcp, dhcpEvent(event), now, random), now, random);
}

function leaseStep(
  state: Extract<ClientState, { kind: "leasing" }>,
  result: dhcp.Step,
  now: number,
  random: Random,
): Step {
  const effects = dhcpEffects(result);
  const bound = result.effects.find((effect) => effect.kind === "bound");
  if (bound === undefined) {
    const next = { ...state, dhcp: result.state };
    return { state: next, effects, wakeAt: Math.min(result.wakeAt, state.deadline) };
  }
  const refused = bound.lease.address === state.link.tunnel.gateway;
  if (refused) return pause(state.search, "the gateway leased its own address", now, random);
  const { search, link } = state;
  const lease = { kind: "addressing", search, link, dhcp: result.state, lease: bound.lease } as const;
  const address = formatIpv4(bound.lease.address);
  return { state: lease, effects: [...effects, info(`address leased: ${address}`, { address })], wakeAt: Infinity };
}

/** What the DHCP client sees of an event. */
function dhcpEvent(event: ClientEvent): dhcp.ClientEvent {
  return event.kind === "dhcp" ? { kind: "message", message: event.message } : { kind: "tick" };
}

function dhcpEffects({ effects }: dhcp.Step): ClientEffect[] {
  return effects.flatMap((effect): ClientEffect[] => {
    if (effect.kind === "send") return [{ kind: "sendDhcp", message: effect.message, destination: effect.destination }];
    if (effect.kind !== "ignored") return [];
    const server = formatIpv4(effect.server);
    return [{ kind: "log", level: "warn", message: `a DHCP answer of ${server} is ignored: ${effect.reason}` }];
  });
}

type WithLease = Extract<ClientState, { readonly lease: Lease }>;

/** Keeps the lease of a state that waits for something else: renews it, and closes the Pod when it is lost. */
function withDhcp(state: WithLease, event: ClientEvent, now: number, random: Random): Step {
  const result = dhcp.step(state.dhcp, dhcpEvent(event), now, random);
  const lost = result.effects.find((effect) => effect.kind === "lost");
  // What the DHCP client sends to get another address is not sent: that is for the next tunnel.
  if (lost !== undefined) {
    return again(state, { cause: "lease_lost", reason: `the lease is lost: ${lost.reason}` }, now, [], false);
  }
  const effects = dhcpEffects(result);
  const lease = dhcp.heldLease(result.state) ?? state.lease;
  if (lease.address !== state.lease.address) {
    return again(state, { cause: "lease_lost", reason: "the leased address changed" }, now, effects, false);
  }
  return { state: { ...state, dhcp: result.state, lease }, effects, wakeAt: result.wakeAt };
}

// The tunnel is tried, used and watched.

function verify(state: Extract<ClientState, { kind: "addressing" }>, now: number, random: Random): Step {
  const { watch, send } = probeNow(startWatch(verifyWatch, now), now, random);
  const deadline = now + verifyTimeoutMs;
  const effects = probeEffects(state.link, send);
  return { state: { ...state, kind: "verifying", watch, deadline }, effects, wakeAt: watch.dueAt };
}

function probeEffects({ tunnel, condition }: Link, nonce: string | undefined): ClientEffect[] {
  if (nonce === undefined) return [];
  return [{ kind: "sendProbe", to: tunnel.gateway, nonce, form: condition === undefined ? "dns" : "probe" }];
}

function resolvConfEffects({ tunnel }: Link, lease: Lease): ClientEffect[] {
  return [{ kind: "pointResolvConf", gateway: lease.dnsServers[0] ?? tunnel.gateway }];
}

type Verifying = Extract<ClientState, { kind: "verifying" }>;

function verifying(state: Verifying, event: ClientEvent, now: number, random: Random): Step {
  if (event.kind === "probeAnswer" && state.watch.unanswered.includes(event.nonce)) {
    const { link, dhcp, lease } = state;
    return {
      state: { kind: "opening", link, dhcp, lease },
      effects: resolvConfEffects(link, lease),
      wakeAt: Infinity,
    };
  }
  if (now >= state.deadline) {
    const avoid = state.link.tunnel.remote;
    const reason = `the gateway ${formatIpv4(avoid)} gave an address but answers no probe through the tunnel`;
    return pause({ ...state.search, avoid }, reason, now, random);
  }
  const kept = withDhcp(state, event, now, random);
  if (kept.state.kind !== "verifying") return kept;
  const { watch, send } = tickWatch(state.watch, now, random);
  return {
    state: { ...kept.state, watch },
    effects: [...kept.effects, ...probeEffects(state.link, send)],
    wakeAt: Math.min(kept.wakeAt, watch.dueAt, state.deadline),
  };
}

function opened(config: ClientConfig, state: Extract<ClientState, { kind: "opening" }>, now: number): Step {
  const { link, dhcp: dhcpState, lease } = state;
  const watch = startWatch(config.watch, now + config.watch.intervalMs);
  const fields = { gateway: formatIpv4(link.tunnel.remote), address: formatIpv4(lease.address) };
  const effects: ClientEffect[] = [info(`open: through ${fields.gateway} as ${fields.address}`, fields)];
  if (config.mode === "init") effects.push({ kind: "exit", reason: "the tunnel stands" });
  return { state: { kind: "open", link, dhcp: dhcpState, lease, watch, openedAt: now }, effects, wakeAt: now };
}

type Open = Extract<ClientState, { kind: "open" }>;

function open(state: Open, event: ClientEvent, now: number, random: Random): Step {
  const kept = withDhcp(state, event, now, random);
  if (kept.state.kind !== "open") return kept;
  let watch = state.watch;
  if (event.kind === "probeAnswer") {
    const isMeant = event.nonce === notice || state.watch.unanswered.includes(event.nonce);
    const complaint = isMeant ? complaintOf(state.link, event.condition) : undefined;
    if (complaint !== undefined) return again(kept.state, complaint, now, kept.effects, true);
    watch = answerWatch(watch, event.nonce, now);
  }
  const ticked = tickWatch(watch, now, random);
  if (ticked.gone) {
    const reason = `the gateway ${formatIpv4(state.link.tunnel.remote)} answers no longer`;
    return again(kept.state, { cause: "gateway_silent", reason }, now, kept.effects, true);
  }
  return {
    state: { ...kept.state, watch: ticked.watch },
    effects: [...kept.effects, ...probeEffects(state.link, ticked.send)],
    wakeAt: Math.min(kept.wakeAt, ticked.watch.dueAt),
  };
}

/** Closes the Pod and begins anew at SERVICE. `avoidGateway`: the fault is the gateway's. */
function again(
  { link, lease }: WithLease,
  { cause, reason }: Loss,
  now: number,
  effects: readonly ClientEffect[],
  avoidGateway: boolean,
): Step {
  const search: Search = {
    ...fresh,
    report: { ...silent, since: now },
    uplink: link.uplink,
    ...(avoidGateway ? { previous: lease.address, avoid: link.tunnel.remote } : {}),
  };
  const next = resolve(search);
  const log: ClientEffect = { kind: "log", level: "warn", message: `closed: ${reason}`, fields: { reason }, cause };
  return { ...next, effects: [...effects, log, ...next.effects] };
}

// Stopping, and things that fail.

function stop(config: ClientConfig, state: ClientState, now: number, random: Random): Step {
  if (state.kind === "stopping" || state.kind === "stopped") return rest(state);
  const uplink = uplinkOf(state);
  if (config.mode !== "run") {
    // What an init container set up, or a sidecar found, stays: the next process takes it over without a gap.
    return { state: { kind: "stopped" }, effects: [{ kind: "exit", reason: "stopped" }], wakeAt: Infinity };
  }
  const effects = "lease" in state ? dhcpEffects(dhcp.step(state.dhcp, { kind: "release" }, now, random)) : [];
  return {
    state: { kind: "stopping", ...(uplink === undefined ? {} : { uplink }) },
    effects: [...effects, { ...info("closed: stopped", {}), cause: "stopped" }],
    wakeAt: Infinity,
  };
}

function uplinkOf(state: ClientState): Uplink | undefined {
  if ("link" in state) return state.link.uplink;
  if ("search" in state) return state.search.uplink;
  return state.kind === "adopting" ? state.found.uplink : undefined;
}

/**
 * The kernel does not hold what it should: back to where the least is asked of it. Where nothing less can be asked, the
 * next step, whatever its event, tries it anew.
 */
function applyFailed(state: ClientState, reason: string, now: number, random: Random): Step {
  if ("search" in state) return pause(state.search, reason, now, random);
  if ("link" in state) {
    return pause({ ...fresh, uplink: state.link.uplink, previous: state.lease.address }, reason, now, random);
  }
  if (state.kind === "observing") return { state, effects: [], wakeAt: state.at };
  if (state.kind !== "closing") return rest(state);
  const { report, effects } = say(state.aim.report, reason, now, "the Pod cannot be closed");
  return { state: { ...state, aim: { ...state.aim, report } }, effects, wakeAt: now + retryMs };
}

function info(message: string, fields: Readonly<Record<string, unknown>>): LogEffect {
  return { kind: "log", level: "info", message, fields };
}

/** Nothing to do until something happens. */
function rest(state: ClientState): Step {
  return { state, effects: [], wakeAt: Infinity };
}
