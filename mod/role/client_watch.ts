/** The gateway that carries the traffic is watched: whether it answers, and what it says of itself. */

import { formatIpv4 } from "../addr/ipv4.ts";
import { type GatewayCondition, notice } from "../health/probe.ts";
import { answerWatch, hurryWatch, probeSoon, reachWatch, startWatch, tickWatch, type Watch } from "../health/watch.ts";
import type { ClientEffect, ClientEvent, Loss } from "./client_event.ts";
import type { Link, Random } from "./client_state.ts";

export type Sight = {
  readonly watch: Watch;
  readonly effects: readonly ClientEffect[];
  /** What speaks against the gateway. */
  readonly loss?: Loss;
};

/** Whether the gateway carries traffic all the same, so that the next one can be looked for in peace. */
export function isWorking({ cause }: Loss): boolean {
  return cause !== "gateway_silent" && cause !== "gateway_unhealthy";
}

/** What an event, or the time, tells of the gateway; and the next probe, when it is due. */
export function look(link: Link, before: Watch, event: ClientEvent, now: number, random: Random): Sight {
  const { watch, loss } = hear(link, before, event, now);
  if (loss !== undefined) return { watch, effects: [], loss };
  const ticked = tickWatch(watch, now, random);
  if (!ticked.gone) {
    const sight = { watch: ticked.watch, effects: probeEffects(link, ticked.send) };
    if (!ticked.stalled) return sight;
    return { ...sight, loss: { cause: "gateway_stalled", reason: `the program of ${nameOf(link)} answers no longer` } };
  }
  const reason = `${nameOf(link)} ${faults[watch.fault ?? "silence"]}`;
  return { watch: ticked.watch, effects: [], loss: { cause: "gateway_silent", reason } };
}

const faults = {
  silence: "answers no longer",
  noTunnel: "has no tunnel any more",
  noWay: "cannot be reached any more",
} as const;

function hear(link: Link, watch: Watch, event: ClientEvent, now: number): Omit<Sight, "effects"> {
  switch (event.kind) {
    case "probeAnswer": {
      const isMeant = event.nonce === notice || watch.unanswered.includes(event.nonce);
      const loss = isMeant ? complaintOf(link, event.condition) : undefined;
      return { watch: answerWatch(watch, event.nonce, now), ...(loss === undefined ? {} : { loss }) };
    }
    case "undelivered": {
      if (event.fault !== "noProgram") return { watch: hurryWatch(watch, event.fault, now) };
      // Its kernel answers, so it is there and passes on what comes.
      const reached = startWatch(watch.config, now + watch.config.intervalMs);
      const reason = `no program answers in ${nameOf(link)}`;
      return { watch: reached, loss: { cause: "gateway_without_program", reason } };
    }
    case "reached":
      return { watch: reachWatch(watch) };
    case "look":
    case "kernelChanged":
      return { watch: probeSoon(watch, now) };
    default:
      return { watch };
  }
}

/** Why a gateway that answers is left all the same, or asked anew. */
function complaintOf(link: Link, condition: GatewayCondition | undefined): Loss | undefined {
  if (condition === undefined || link.condition === undefined) return undefined;
  if (!condition.healthy) {
    return { cause: "gateway_unhealthy", reason: `${nameOf(link)} has lost its way out` };
  }
  if (condition.draining) return { cause: "gateway_stopping", reason: `${nameOf(link)} is about to stop` };
  if (condition.instance === link.condition.instance) return undefined;
  return { cause: "gateway_restarted", reason: `${nameOf(link)} was restarted` };
}

function nameOf({ tunnel }: Link): string {
  return `the gateway ${formatIpv4(tunnel.remote)}`;
}

export function probeEffects({ tunnel, condition }: Link, nonce: string | undefined): ClientEffect[] {
  if (nonce === undefined) return [];
  return [{ kind: "sendProbe", to: tunnel.gateway, nonce, form: condition === undefined ? "dns" : "probe" }];
}
