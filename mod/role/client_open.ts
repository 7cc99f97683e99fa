/** The tunnel is tried, and then used. */

import { formatIpv4 } from "../addr/ipv4.ts";
import { probeNow, startWatch, tickWatch, type WatchConfig } from "../health/watch.ts";
import type { ClientEffect, ClientEvent } from "./client_event.ts";
import { resolvConfEffect, watchEffect, withDhcp } from "./client_lease.ts";
import { beginMove } from "./client_move.ts";
import type { ClientConfig, ClientState, Random, Step } from "./client_state.ts";
import { info, leave, pause, withEffects } from "./client_step.ts";
import { isWorking, look, probeEffects } from "./client_watch.ts";

const verifyTimeoutMs = 3_000;
const verifyWatch: WatchConfig = { intervalMs: 400, misses: 1_000 };

export function addressing(
  state: Extract<ClientState, { kind: "addressing" }>,
  event: ClientEvent,
  now: number,
  random: Random,
): Step {
  if (event.kind !== "applied") return withDhcp(state, event, now, random);
  const { watch, send } = probeNow(startWatch(verifyWatch, now), now, random);
  const deadline = now + verifyTimeoutMs;
  const effects = probeEffects(state.link, send);
  return { state: { ...state, kind: "verifying", watch, deadline }, effects, wakeAt: watch.dueAt };
}

export function verifying(
  state: Extract<ClientState, { kind: "verifying" }>,
  event: ClientEvent,
  now: number,
  random: Random,
): Step {
  if (event.kind === "probeAnswer" && state.watch.unanswered.includes(event.nonce)) {
    const { link, dhcp, lease } = state;
    const effects = [resolvConfEffect(link)];
    return { state: { kind: "opening", link, dhcp, lease }, effects, wakeAt: Infinity };
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

export function opening(
  config: ClientConfig,
  state: Extract<ClientState, { kind: "opening" }>,
  event: ClientEvent,
  now: number,
  random: Random,
): Step {
  if (event.kind !== "applied") return withDhcp(state, event, now, random);
  const { link, dhcp, lease } = state;
  const watch = startWatch(config.watch, now + config.watch.intervalMs);
  const fields = { gateway: formatIpv4(link.tunnel.remote), address: formatIpv4(lease.address) };
  const effects: ClientEffect[] = [
    info(`open: through ${fields.gateway} as ${fields.address}`, fields),
    // The kernel may have forgotten it while addresses came and went.
    watchEffect(lease),
  ];
  if (config.mode === "init") effects.push({ kind: "exit", reason: "the tunnel stands" });
  return { state: { kind: "open", link, dhcp, lease, watch, openedAt: now }, effects, wakeAt: now };
}

export function open(
  config: ClientConfig,
  state: Extract<ClientState, { kind: "open" }>,
  event: ClientEvent,
  now: number,
  random: Random,
): Step {
  const kept = withDhcp(state, event, now, random);
  if (kept.state.kind !== "open") return kept;
  const { watch, effects, loss } = look(state.link, state.watch, event, now, random);
  if (loss !== undefined) {
    const next = isWorking(loss) ? beginMove(config, kept.state, loss, now) : leave(kept.state, loss, now);
    return withEffects(kept.effects, next);
  }
  return {
    state: { ...kept.state, watch },
    effects: [...kept.effects, ...effects],
    wakeAt: Math.min(kept.wakeAt, watch.dueAt),
  };
}
