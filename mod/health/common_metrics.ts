/** The metrics that both roles have. */

import type { Blocked, BlockedKey } from "../netstate/blocked_packets.ts";
import type { LinkCounters } from "../netstate/link_counters.ts";
import type { TransitionCount } from "./history.ts";
import { commonMetrics as m } from "./metric_table.ts";
import { type Family, oneHot, type Sample } from "./metrics.ts";

export type CommonView = {
  readonly role: "client" | "gateway";
  readonly version: string;
  /** Of the runtime. */
  readonly deno: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly residentBytes: number;
  readonly states: readonly string[];
  readonly state: string;
  readonly ready: boolean;
  readonly transitions: readonly TransitionCount[];
  readonly repairs: number;
  readonly blocked: ReadonlyMap<BlockedKey, Blocked>;
  /** Absent: there is no tunnel. */
  readonly tunnel?: LinkCounters;
};

export function commonFamilies(view: CommonView): Family[] {
  const { tunnel } = view;
  const byDirection = (value: keyof LinkCounters["receive"]): Sample[] =>
    tunnel === undefined
      ? []
      : (["receive", "transmit"] as const).map((direction) => [[direction], tunnel[direction][value]]);
  const blocked = [...view.blocked].map(([key, count]) => [key.split(" "), count] as const);
  return [
    [m.build, [[[view.role, view.version, view.deno], 1]]],
    [m.startTime, single(view.startedAt / 1000)],
    [m.memory, single(view.residentBytes)],
    [m.state, oneHot(view.states, view.state)],
    [m.ready, single(view.ready ? 1 : 0)],
    [m.transitions, view.transitions.map(({ state, cause, count }): Sample => [[state, cause], count])],
    [m.repairs, single(view.repairs)],
    [m.blockedPackets, blocked.map(([labels, { packets }]): Sample => [labels, packets])],
    [m.blockedBytes, blocked.map(([labels, { bytes }]): Sample => [labels, bytes])],
    [m.tunnelBytes, byDirection("bytes")],
    [m.tunnelPackets, byDirection("packets")],
    [m.tunnelErrors, byDirection("errors")],
    [m.tunnelDropped, byDirection("dropped")],
  ];
}

/** The sample of a metric without labels. */
export function single(value: number): Sample[] {
  return [[[], value]];
}
