/** A closed client looks for a gateway: its own interface, the addresses of SERVICE, an answer, a tunnel. */

import { formatIpv4 } from "../addr/ipv4.ts";
import type { Candidate } from "../netstate/client.ts";
import type { ClientEffect, ClientEvent, GatewayAnswer } from "./client_event.ts";
import { startLease } from "./client_lease.ts";
import { linkTo, obstacleOf } from "./client_link.ts";
import { say } from "./client_report.ts";
import type { Aim, ClientConfig, ClientState, Link, Random, Search, Step } from "./client_state.ts";
import { info, pause, resolve, rest, soon } from "./client_step.ts";

type Searching = Extract<
  ClientState,
  { kind: "observing" | "resolving" | "admitting" | "asking" | "pausing" | "connecting" }
>;
type Observing = Extract<ClientState, { kind: "observing" }>;

/** Between attempts at what needs nobody's answer: to close the Pod, to find its interface. */
export const retryMs = 1_000;

/** Looks at the Pod's own interface. */
export function observe(aim: Aim): Step {
  const effects: ClientEffect[] = [{ kind: "observeUplink" }];
  return { state: { kind: "observing", aim, at: Infinity }, effects, wakeAt: Infinity };
}

export function search(config: ClientConfig, state: Searching, event: ClientEvent, now: number, random: Random): Step {
  switch (state.kind) {
    case "observing":
      return observing(state, event, now);
    case "resolving":
      if (event.kind === "resolved") {
        return rest({ kind: "admitting", search: state.search, candidates: event.candidates });
      }
      return event.kind === "unresolved" ? pause(state.search, event.reason, now, random) : rest(state);
    case "admitting": {
      const effects = event.kind === "applied" ? [askFor(state.candidates, state.search)] : [];
      return { state: event.kind === "applied" ? { ...state, kind: "asking" } : state, effects, wakeAt: Infinity };
    }
    case "asking":
      if (event.kind === "answered") return choose(config, state.search, event.answer, now, random);
      return event.kind === "unanswered" ? pause(state.search, event.reason, now, random) : rest(state);
    case "pausing":
      return pausing(state, event, now, random);
    case "connecting":
      return event.kind === "applied" ? startLease(config, state.search, state.link, now, random) : rest(state);
  }
}

/** How often a search may fail to ask: the first ones must find the one of two gateways that is left, later ones not storm. */
const tries = [4, 2, 2];

/** The question to all candidates, the gateway that failed by preference not among those that are taken. */
export function askFor(candidates: readonly Candidate[], { avoid, attempts }: Aim): ClientEffect {
  return { kind: "ask", candidates, tries: tries[attempts] ?? 1, ...(avoid === undefined ? {} : { avoid }) };
}

export function foundLog({ tunnel }: Link): ClientEffect {
  const fields = { gateway: formatIpv4(tunnel.remote), vxlanId: tunnel.id, vxlanPort: tunnel.port };
  return info(`gateway found: ${fields.gateway}`, fields);
}

function observing(state: Observing, event: ClientEvent, now: number): Step {
  if (event.kind === "uplink") return resolve({ ...state.aim, uplink: event.uplink });
  if (event.kind === "noUplink") {
    const at = now + retryMs;
    const { report, effects } = say(state.aim.report, event.reason, now);
    return { state: { ...state, aim: { ...state.aim, report }, at }, effects, wakeAt: at };
  }
  const isDue = now >= state.at || (event.kind === "look" && state.at !== Infinity);
  return isDue ? observe(state.aim) : { state, effects: [], wakeAt: state.at };
}

function pausing(
  state: Extract<ClientState, { kind: "pausing" }>,
  event: ClientEvent,
  now: number,
  random: Random,
): Step {
  if (now < state.until && event.kind !== "look") {
    // What was in the way may be gone: a cable, an address.
    const until = event.kind === "kernelChanged" ? Math.min(state.until, soon(now, random)) : state.until;
    return { state: { ...state, until }, effects: [], wakeAt: until };
  }
  // The Pod's own interface may be another by now, and the old one what was wrong.
  const { uplink: _, ...aim } = state.search;
  return observe(aim);
}

/** Takes the gateway that answered, or says what is wrong with it. */
function choose(config: ClientConfig, search: Search, answer: GatewayAnswer, now: number, random: Random): Step {
  const link = linkTo(config, search.uplink, answer);
  const obstacle = obstacleOf(config, link);
  if (obstacle !== undefined) return pause(search, obstacle, now, random);
  return { state: { kind: "connecting", search, link }, effects: [foundLog(link)], wakeAt: Infinity };
}
