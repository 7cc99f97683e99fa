/**
 * The client: from a closed Pod to one whose traffic goes through a gateway, and back again when the gateway is gone.
 *
 * ```
 * closing -> observing -> resolving -> admitting -> asking -> connecting -> leasing -> addressing -> verifying -> opening -> open
 *               ^            ^  ^---------- pausing <-----------'              |           |             |                    |
 *               |            '-------------------------------------------------------------------------------- gateway gone --'
 *               '- pausing <---------------------------------------------------------------------------- the kernel refuses --'
 * open -> moving -> opening -> open    the gateway is about to stop, or was restarted: never closed
 * ```
 *
 * Pure: `step` is called with an event and the time, and returns the next state, what to do, and when to be called
 * again. What the kernel should hold is {@link phaseOf} the state; the shell makes it so and says `applied`.
 */

import type { Uplink } from "../netstate/uplink.ts";
import type { ClientEvent } from "./client_event.ts";
import { leasing, releaseEffects } from "./client_lease.ts";
import { moving, takeOver } from "./client_move.ts";
import { addressing, open, opening, verifying } from "./client_open.ts";
import { say } from "./client_report.ts";
import { observe, retryMs, search } from "./client_search.ts";
import type { ClientConfig, ClientState, FoundTunnel, Random, Step } from "./client_state.ts";
import { fresh, info, pause, rest } from "./client_step.ts";
import { restart, withUplink } from "./client_uplink.ts";

export { isReady, phaseName, phaseOf, stageOf } from "./client_state.ts";
export type { ClientConfig, ClientState, FoundTunnel, Link, Step } from "./client_state.ts";

/**
 * A client that has done nothing yet. Its Pod is to be closed, unless an earlier process left it open: then that is
 * taken over.
 */
export function startClient(config: ClientConfig, now: number, found?: FoundTunnel): Step {
  return found === undefined ? rest({ kind: "closing", aim: fresh }) : takeOver(config, found, now);
}

/** Advances the client. `now` (milliseconds) and `random` (in [0, 1)) are the only sources of time and chance. */
export function step(config: ClientConfig, state: ClientState, event: ClientEvent, now: number, random: Random): Step {
  if (event.kind === "stop") return stop(config, state, now, random);
  if (event.kind === "applyFailed" && state.kind !== "stopping") return applyFailed(state, event.reason, now, random);
  if (event.kind === "uplink") {
    if ("link" in state && state.link.uplink.address !== event.uplink.address) return restart(state, event.uplink, now);
    state = withUplink(state, event.uplink);
  }
  switch (state.kind) {
    case "closing":
      return event.kind === "applied" ? observe(state.aim) : rest(state);
    case "observing":
    case "resolving":
    case "admitting":
    case "asking":
    case "pausing":
    case "connecting":
      return search(config, state, event, now, random);
    case "leasing":
      return leasing(state, event, now, random);
    case "addressing":
      return addressing(state, event, now, random);
    case "verifying":
      return verifying(state, event, now, random);
    case "opening":
      return opening(config, state, event, now, random);
    case "open":
      return open(config, state, event, now, random);
    case "moving":
      return moving(config, state, event, now, random);
    case "stopping":
      if (event.kind !== "applied" && event.kind !== "applyFailed") return rest(state);
      return { state: { kind: "stopped" }, effects: [{ kind: "exit", reason: "stopped" }], wakeAt: Infinity };
    case "stopped":
      return rest(state);
  }
}

function stop(config: ClientConfig, state: ClientState, now: number, random: Random): Step {
  if (state.kind === "stopping" || state.kind === "stopped") return rest(state);
  const uplink = uplinkOf(state);
  if (config.mode !== "run") {
    // What an init container set up, or a sidecar found, stays: the next process takes it over without a gap.
    return { state: { kind: "stopped" }, effects: [{ kind: "exit", reason: "stopped" }], wakeAt: Infinity };
  }
  const effects = "lease" in state ? releaseEffects(state, now, random) : [];
  return {
    state: { kind: "stopping", ...(uplink === undefined ? {} : { uplink }) },
    effects: [...effects, { ...info("closed: stopped"), cause: "stopped" }],
    wakeAt: Infinity,
  };
}

function uplinkOf(state: ClientState): Uplink | undefined {
  if ("link" in state) return state.link.uplink;
  return "search" in state ? state.search.uplink : undefined;
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
