/**
 * An open client goes to its next gateway while the present one still carries the traffic: another one, because the present
 * one is about to stop, or the same one anew, because its program is another.
 *
 * ```
 * open -> resolving -> admitting -> asking -> connecting -> leasing -> opening -> open
 *            ^-------------- pausing <----------'------------'
 * ```
 *
 * Both gateways have the same address, network and MAC in the tunnel, whose device is one: it leads to the present gateway,
 * and takes in what comes from either. The questions for a lease, which are for all, are sent to the next gateway; an answer
 * is the proof that the tunnel to it works. Then the device's other end is changed in place. When the present gateway is
 * gone before that, the Pod is closed.
 */

import * as dhcp from "../dhcp/client.ts";
import { formatIpv4 } from "../addr/ipv4.ts";
import { movingIntervalMs, startWatch, type WatchConfig } from "../health/watch.ts";
import type { ClientEffect, ClientEvent, GatewayAnswer, Loss } from "./client_event.ts";
import {
  beginDhcp,
  boundLease,
  conflictLoss,
  dhcpEffects,
  dhcpEvent,
  leasedLog,
  releaseEffects,
  resolvConfEffect,
  resumeDhcp,
  silenceReason,
  watchEffect,
  withDhcp,
} from "./client_lease.ts";
import { isSameOverlay, linkTo, obstacleOf } from "./client_link.ts";
import { silent } from "./client_report.ts";
import { askFor, foundLog } from "./client_search.ts";
import type { Aim, ClientConfig, ClientState, FoundTunnel, Link, Move, Moving, Random, Step } from "./client_state.ts";
import { backOff, closedLog, fresh, info, leave, rest, withEffects } from "./client_step.ts";
import { isWorking, look } from "./client_watch.ts";

type Open = Extract<ClientState, { kind: "open" }>;
type MovingState = Extract<ClientState, { kind: "moving" }>;

const leaseTimeoutMs = 2_000;

/** Leaves a gateway that still works, or asks it anew. */
export function beginMove(config: ClientConfig, { link, dhcp, lease }: Open, loss: Loss, now: number): Step {
  const isSame = loss.cause === "gateway_restarted";
  const aim: Aim = {
    ...fresh,
    report: { ...silent, since: now },
    previous: lease.address,
    ...(isSame ? {} : { avoid: link.tunnel.remote }),
  };
  const watch = startWatch(watchConfig(config), now + watchConfig(config).intervalMs);
  const state: MovingState = { kind: "moving", link, lease, dhcp, watch, aim, move: { kind: "resolving" } };
  const log = { ...info(`moving: ${loss.reason}`, { reason: loss.reason }), moves: loss.cause };
  return { ...withEffects([log], isSame ? askSame(config, state) : resolveAnew(state)), wakeAt: now };
}

/** Takes over an open Pod from a process before: its gateway is asked anew. */
export function takeOver(config: ClientConfig, { link, lease }: FoundTunnel, now: number): Step {
  const watch = startWatch(watchConfig(config), now);
  const aim: Aim = { ...fresh, previous: lease.address };
  const leased = resumeDhcp(config, link, lease, now);
  const first = askSame(config, { kind: "moving", ...leased, watch, aim, move: { kind: "resolving" } });
  return { ...withEffects([watchEffect(lease)], first), wakeAt: now };
}

export function moving(
  config: ClientConfig,
  state: MovingState,
  event: ClientEvent,
  now: number,
  random: Random,
): Step {
  // The server is told when it gives the address again.
  if (event.kind === "conflict" && event.address === state.lease.address) return leave(state, conflictLoss(event), now);
  // It may be long until there is another gateway: the present one's lease is renewed meanwhile.
  const kept = withDhcp(state, event, now, random);
  if (kept.state.kind !== "moving") return kept;
  const { watch, effects, loss } = look(state.link, state.watch, event, now, random);
  const next = loss !== undefined && !isWorking(loss)
    ? giveUp(kept.state, loss, now)
    : withEffects(effects, advance(config, { ...kept.state, watch }, event, now, random));
  const wakeAt = next.state.kind === "moving" ? Math.min(next.wakeAt, watch.dueAt, kept.wakeAt) : next.wakeAt;
  return { ...withEffects(kept.effects, next), wakeAt };
}

function watchConfig({ watch }: ClientConfig): WatchConfig {
  return { ...watch, intervalMs: Math.min(watch.intervalMs, movingIntervalMs) };
}

function advance(config: ClientConfig, state: MovingState, event: ClientEvent, now: number, random: Random): Step {
  const { move } = state;
  switch (move.kind) {
    case "resolving":
      if (event.kind === "resolved") return goOn(state, { kind: "admitting", candidates: event.candidates });
      return event.kind === "unresolved" ? pause(state, event.reason, now, random) : rest(state);
    case "admitting": {
      if (event.kind !== "applied") return rest(state);
      return goOn(state, { kind: "asking", candidates: move.candidates }, [askFor(move.candidates, state.aim)]);
    }
    case "asking":
      if (event.kind === "answered") return choose(config, state, event.answer, now, random);
      return event.kind === "unanswered" ? pause(state, event.reason, now, random) : rest(state);
    case "pausing":
      if (now >= move.until || event.kind === "look") return resolveAnew(state);
      return { state, effects: [], wakeAt: move.until };
    case "connecting": {
      if (event.kind !== "applied") return rest(state);
      const first = beginDhcp(config, move.link, state.aim.previous, now, random);
      const leasing = { kind: "leasing", link: move.link, dhcp: first.state, deadline: now + leaseTimeoutMs } as const;
      return lease(state, leasing, first, now, random);
    }
    case "leasing":
      if (now < move.deadline) {
        return lease(state, move, dhcp.step(move.dhcp, dhcpEvent(event), now, random), now, random);
      }
      return pause(
        { ...state, aim: { ...state.aim, avoid: move.link.tunnel.remote } },
        silenceReason(move.link),
        now,
        random,
      );
  }
}

function goOn(state: MovingState, move: Move, effects: readonly ClientEffect[] = []): Step {
  return { state: { ...state, move }, effects, wakeAt: Infinity };
}

function resolveAnew(state: MovingState): Step {
  return goOn(state, { kind: "resolving" }, [{ kind: "resolve" }]);
}

function askSame(config: ClientConfig, state: MovingState): Step {
  const { remote } = state.link.tunnel;
  return goOn(state, { kind: "admitting", candidates: [{ address: remote, port: config.httpPort }] });
}

function pause(state: MovingState, reason: string, now: number, random: Random): Step {
  const { until, aim, effects } = backOff(state.aim, reason, now, random, "the next gateway is not found yet");
  return { state: { ...state, aim, move: { kind: "pausing", until } }, effects, wakeAt: until };
}

function choose(config: ClientConfig, state: MovingState, answer: GatewayAnswer, now: number, random: Random): Step {
  const link = linkTo(config, state.link.uplink, answer);
  const obstacle = obstacleOf(config, link);
  const isSame = link.tunnel.remote === state.link.tunnel.remote;
  if (obstacle !== undefined) {
    if (isSame && link.condition?.healthy === false) {
      return giveUp(state, { cause: "gateway_unhealthy", reason: obstacle }, now);
    }
    return pause({ ...state, aim: { ...state.aim, avoid: link.tunnel.remote } }, obstacle, now, random);
  }
  const effects = isSame ? [] : [foundLog(link)];
  if (isSameOverlay(state.link, link)) return goOn(state, { kind: "connecting", link }, effects);
  const reason = `the gateway ${formatIpv4(link.tunnel.remote)} has another overlay than the one before`;
  return withEffects(effects, closeFor(state, link, { cause: "tunnel_differs", reason }, now));
}

type LeasingMove = Extract<Move, { kind: "leasing" }>;

function lease(state: MovingState, move: LeasingMove, result: dhcp.Step, now: number, random: Random): Step {
  const { link } = move;
  const effects = dhcpEffects(result, link);
  const lease = boundLease(result);
  if (lease === undefined) {
    const wakeAt = Math.min(result.wakeAt, move.deadline);
    return { state: { ...state, move: { ...move, dhcp: result.state } }, effects, wakeAt };
  }
  if (lease.address === link.tunnel.gateway) return pause(state, "the gateway leased its own address", now, random);
  const isSame = link.tunnel.remote === state.link.tunnel.remote;
  return {
    state: { kind: "opening", link, dhcp: result.state, lease },
    effects: [
      ...effects,
      ...(isSame ? [] : [leasedLog(lease), ...releaseEffects(state, now, random)]),
      watchEffect(lease),
      resolvConfEffect(link),
    ],
    wakeAt: Infinity,
  };
}

/** The present gateway works no longer: what is known of the next one is kept. */
function giveUp(state: MovingState, loss: Loss, now: number): Step {
  const { move } = state;
  if ("link" in move && move.link.tunnel.remote !== state.link.tunnel.remote) {
    return closeFor(state, move.link, loss, now);
  }
  return leave(state, loss, now);
}

/** Closes the Pod, and goes on with the next gateway's tunnel. */
function closeFor({ link: before, lease, aim }: Moving, link: Link, loss: Loss, now: number): Step {
  const search = {
    ...aim,
    report: { ...silent, since: now },
    uplink: before.uplink,
    previous: lease.address,
    avoid: before.tunnel.remote,
  };
  return { state: { kind: "connecting", search, link }, effects: [closedLog(loss)], wakeAt: Infinity };
}
