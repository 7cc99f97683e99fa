/**
 * The gateway: from a Pod with a way out to one that gives it to others.
 *
 * ```
 * observing -> preparing -> starting -> serving -> draining -> stopped
 * ```
 *
 * Pure, like the client's. What it observes again and again is the Pod itself: a VPN comes and goes, and with it the
 * interfaces that must forward and the answer to whether clients can get out.
 */

import { formatPrefix } from "../addr/prefix.ts";
import { type CheckKind, checkKinds } from "../health/checks.ts";
import { type GatewayLearned, type GatewayNetConfig, gatewayNetState, type GatewayView } from "../netstate/gateway.ts";
import { type NetState, nothing } from "../netstate/state.ts";
import type { Uplink } from "../netstate/uplink.ts";

export type GatewayConfig = {
  readonly net: GatewayNetConfig;
  /** `init` ends when the network stands; `start` leaves it when it is stopped; `run` takes its device away. */
  readonly mode: "init" | "start" | "run";
  /** How long the process goes on at most for clients that have not moved yet. */
  readonly drainMs: number;
};

/** What the gateway sees of its Pod. */
export type PodView = GatewayView & {
  /** Why clients cannot get out, or why it is not known whether they can; absent: they can. */
  readonly obstacle?: string;
};

export type GatewayEvent =
  | { readonly kind: "tick" }
  | { readonly kind: "observed"; readonly pod: PodView }
  | { readonly kind: "notObserved"; readonly reason: string }
  | { readonly kind: "applied" }
  | { readonly kind: "applyFailed"; readonly reason: string }
  /** These answer no longer; none: all do. Comes again and again. */
  | { readonly kind: "checked"; readonly silent: readonly CheckKind[] }
  /** DHCP, DNS, HTTP and the probe are served. */
  | { readonly kind: "served" }
  /** Links, addresses or routes of the Pod changed, or may have. */
  | { readonly kind: "podChanged" }
  /** No client is left. */
  | { readonly kind: "deserted" }
  | { readonly kind: "stop" };

/** What must be well for a gateway to be ready: see {@link obstacles}. */
export const gatewayChecks = ["network", "way_out", ...checkKinds] as const;
export type GatewayCheck = typeof gatewayChecks[number];

export type GatewayEffect =
  | { readonly kind: "observe" }
  /** The network stands: DHCP, DNS, HTTP and the probe are served from now on. */
  | { readonly kind: "serve"; readonly uplink: Uplink }
  | {
    readonly kind: "log";
    readonly level: "info" | "warn" | "error";
    readonly message: string;
    readonly fields?: Readonly<Record<string, unknown>>;
    /** It is no longer, or again, ready because of this: counted by the shell. */
    readonly cause?: GatewayCheck | "stopped";
  }
  | { readonly kind: "exit" };

/** The Pod is looked at again and again. */
export type Watching = {
  readonly pod: PodView;
  readonly lookAt: number;
  /** Why the kernel does not hold what it should; absent: it does. */
  readonly trouble?: string;
  /** Who does not answer through the way out. */
  readonly silent: readonly CheckKind[];
};

export type GatewayState =
  /** `said`: why it waits, said once. */
  | { readonly kind: "observing"; readonly at: number; readonly said: string }
  | { readonly kind: "preparing"; readonly pod: PodView; readonly said: string }
  /** Sockets are opened. */
  | { readonly kind: "starting"; readonly pod: PodView }
  | { readonly kind: "serving"; readonly since: number } & Watching
  /** Clients are told to move; those that have not still get out. `over`: why it ends when it does. */
  | { readonly kind: "draining"; readonly until: number; readonly over: string } & Watching
  /** The device is taken away. */
  | { readonly kind: "stopping"; readonly pod: PodView }
  | { readonly kind: "stopped" };

export type GatewayStep = {
  readonly state: GatewayState;
  readonly effects: readonly GatewayEffect[];
  readonly wakeAt: number;
};

/** The Pod is looked at so often, and whenever the kernel says that something changed. */
const lookIntervalMs = 5_000;
const retryMs = 1_000;
/** A client that has given its lease back still sends here until its kernel has the other gateway's address. */
const lingerMs = 300;

export function startGateway(): GatewayStep {
  return { state: { kind: "observing", at: Infinity, said: "" }, effects: [{ kind: "observe" }], wakeAt: Infinity };
}

/** What the kernel should hold in `state`; `undefined`: leave it as it is. */
export function gatewayStateOf(
  config: GatewayConfig,
  state: GatewayState,
  learned: GatewayLearned,
): NetState | undefined {
  switch (state.kind) {
    case "observing":
    case "stopped":
      return undefined;
    case "preparing":
    case "starting":
    case "serving":
    case "draining":
      return gatewayNetState(config.net, state.pod, learned);
    case "stopping": {
      const { firewall } = gatewayNetState(config.net, state.pod, learned);
      return { ...nothing, firewall };
    }
  }
}

/** Whether a Service should name this gateway; if not, why. */
export function unreadyReason(state: GatewayState): string | undefined {
  if (state.kind === "draining" || state.kind === "stopping") return "it is about to stop";
  if (state.kind !== "serving") return "its network does not stand yet";
  return obstacles(state)[0]?.reason;
}

/** Whether clients get out through it. */
export function isHealthy(state: GatewayState): boolean {
  return (state.kind === "serving" || state.kind === "draining") && obstacles(state).length === 0;
}

/** All that is not well with a gateway that serves. */
export function obstacles(
  { trouble, pod, silent }: Watching,
): { readonly check: GatewayCheck; readonly reason: string }[] {
  return [
    ...(trouble === undefined ? [] : [{ check: "network" as const, reason: trouble }]),
    ...(pod.obstacle === undefined ? [] : [{ check: "way_out" as const, reason: pod.obstacle }]),
    ...silent.map((check) => ({ check, reason: silence[check] })),
  ];
}

const silence: Readonly<Record<CheckKind, string>> = {
  dns: "no DNS upstream answers",
  targets: "none of PGW_HEALTH_TARGETS answers through the VPN",
};

/** What a gateway is to those who watch, in the order in which it goes through it. */
export const gatewayPhases = ["starting", "unready", "ready", "draining", "stopped"] as const;

export function gatewayPhaseName(state: GatewayState): typeof gatewayPhases[number] {
  switch (state.kind) {
    case "observing":
    case "preparing":
    case "starting":
      return "starting";
    case "serving":
      return unreadyReason(state) === undefined ? "ready" : "unready";
    case "draining":
      return "draining";
    case "stopping":
    case "stopped":
      return "stopped";
  }
}

/** Advances the gateway. `now`: milliseconds. */
export function stepGateway(
  config: GatewayConfig,
  state: GatewayState,
  event: GatewayEvent,
  now: number,
): GatewayStep {
  if (event.kind === "stop") return stop(config, state, now);
  switch (state.kind) {
    case "observing":
      return observing(state, event, now);
    case "preparing":
      if (event.kind === "applyFailed") return retry(event.reason, state.said, now);
      if (event.kind !== "applied") return { state, effects: [], wakeAt: Infinity };
      return serve(config, state.pod);
    case "starting":
      return starting(state, event, now);
    case "serving":
      return serving(state, event, now);
    case "draining":
      return draining(config, state, event, now);
    case "stopping":
      if (event.kind !== "applied" && event.kind !== "applyFailed") return { state, effects: [], wakeAt: Infinity };
      return { state: { kind: "stopped" }, effects: [{ kind: "exit" }], wakeAt: Infinity };
    case "stopped":
      return { state, effects: [], wakeAt: Infinity };
  }
}

function observing(
  state: Extract<GatewayState, { kind: "observing" }>,
  event: GatewayEvent,
  now: number,
): GatewayStep {
  if (event.kind === "observed") {
    return { state: { kind: "preparing", pod: event.pod, said: state.said }, effects: [], wakeAt: Infinity };
  }
  if (event.kind === "notObserved") return retry(event.reason, state.said, now);
  if (now < state.at) return { state, effects: [], wakeAt: state.at };
  return { state: { ...state, at: Infinity }, effects: [{ kind: "observe" }], wakeAt: Infinity };
}

function retry(reason: string, said: string, now: number): GatewayStep {
  const at = now + retryMs;
  return {
    state: { kind: "observing", at, said: reason },
    effects: reason === said ? [] : [{ kind: "log", level: "error", message: `the gateway waits: ${reason}` }],
    wakeAt: at,
  };
}

function serve(config: GatewayConfig, pod: PodView): GatewayStep {
  const effects: GatewayEffect[] = config.mode === "init"
    ? [{ kind: "log", level: "info", message: "the gateway's network stands" }, { kind: "exit" }]
    : [{ kind: "serve", uplink: pod.uplink }];
  return { state: { kind: "starting", pod }, effects, wakeAt: Infinity };
}

function starting(state: Extract<GatewayState, { kind: "starting" }>, event: GatewayEvent, now: number): GatewayStep {
  if (event.kind === "applyFailed") return { state, effects: [troubleLog(event.reason)], wakeAt: Infinity };
  if (event.kind !== "served") return { state, effects: [], wakeAt: Infinity };
  const { pod } = state;
  const effects = [...wayOutLog(undefined, pod), ...vpnLog(undefined, pod)];
  return { state: { kind: "serving", pod, lookAt: now, since: now, silent: [] }, effects, wakeAt: now };
}

function serving(state: Extract<GatewayState, { kind: "serving" }>, event: GatewayEvent, now: number): GatewayStep {
  const { watching, effects } = watch(state, event, now);
  return { state: { kind: "serving", since: state.since, ...watching }, effects, wakeAt: watching.lookAt };
}

function draining(
  config: GatewayConfig,
  state: Extract<GatewayState, { kind: "draining" }>,
  event: GatewayEvent,
  now: number,
): GatewayStep {
  const { until, over } = state;
  if (now >= until) return end(config, state.pod, over);
  const { watching, effects } = watch(state, event, now);
  // Whom it can no longer let out has no reason to stay.
  const reason = event.kind === "deserted" ? "no client is left" : obstacles(watching)[0]?.reason;
  const isSooner = reason !== undefined && now + lingerMs < until;
  const its = isSooner ? { until: now + lingerMs, over: reason } : { until, over };
  return { state: { kind: "draining", ...its, ...watching }, effects, wakeAt: Math.min(watching.lookAt, its.until) };
}

/** Looks at the Pod, and says what has changed. */
function watch(
  { pod, lookAt, silent, trouble }: Watching,
  event: GatewayEvent,
  now: number,
): { readonly watching: Watching; readonly effects: readonly GatewayEffect[] } {
  const sound = { pod, lookAt, silent };
  const watching = trouble === undefined ? sound : { ...sound, trouble };
  switch (event.kind) {
    case "observed":
      return {
        watching: { ...watching, pod: event.pod },
        effects: [...wayOutLog(pod, event.pod), ...vpnLog(pod, event.pod)],
      };
    case "checked":
      return { watching: { ...watching, silent: event.silent }, effects: silenceLog(silent, event.silent) };
    case "notObserved": {
      const unknown = { ...pod, obstacle: `the Pod's network is not known: ${event.reason}` };
      return {
        watching: { ...watching, pod: unknown, lookAt: Math.min(lookAt, now + retryMs) },
        effects: wayOutLog(pod, unknown),
      };
    }
    case "applyFailed":
      return {
        watching: { ...watching, trouble: event.reason },
        effects: event.reason === trouble ? [] : [troubleLog(event.reason)],
      };
    case "applied":
      return { watching: sound, effects: trouble === undefined ? [] : [soundLog] };
    default:
      if (event.kind !== "podChanged" && now < lookAt) return { watching, effects: [] };
      return { watching: { ...watching, lookAt: now + lookIntervalMs }, effects: [{ kind: "observe" }] };
  }
}

function troubleLog(reason: string): GatewayEffect {
  return {
    kind: "log",
    level: "error",
    message: `the network is not as it should be: ${reason}`,
    cause: "network",
  };
}

const soundLog: GatewayEffect = { kind: "log", level: "info", message: "the network is as it should be again" };

function wayOutLog(before: PodView | undefined, pod: PodView): GatewayEffect[] {
  if (before !== undefined && before.obstacle === pod.obstacle) return [];
  if (pod.obstacle !== undefined) {
    return [{ kind: "log", level: "error", message: `clients cannot get out: ${pod.obstacle}`, cause: "way_out" }];
  }
  return [{ kind: "log", level: "info", message: before === undefined ? "serving" : "clients can get out again" }];
}

/** A user whose VPN is kept from connecting must find the reason in the log. */
function vpnLog(before: PodView | undefined, { foundVpn }: PodView): GatewayEffect[] {
  const [was, is] = [before?.foundVpn, foundVpn].map((found) =>
    found &&
    [...found.addresses.map(formatPrefix), ...found.marks.map((mark) => `mark 0x${mark.toString(16)}`)].join(", ")
  );
  if (was === is) return [];
  const message = is === undefined
    ? "the VPN's routes are gone: until they are back, the Pod's own traffic cannot be told from the VPN's connection"
    : `the VPN's connection is seen by its routes (${is}): nothing else of the Pod's own leaves around the VPN`;
  return [{ kind: "log", level: "info", message }];
}

function silenceLog(before: readonly CheckKind[], after: readonly CheckKind[]): GatewayEffect[] {
  return [
    ...after.filter((kind) => !before.includes(kind)).map((kind): GatewayEffect => (
      { kind: "log", level: "error", message: `clients are turned away: ${silence[kind]}`, cause: kind }
    )),
    ...before.filter((kind) => !after.includes(kind)).map((kind): GatewayEffect => (
      { kind: "log", level: "info", message: `it is no longer so that ${silence[kind]}` }
    )),
  ];
}

function stop(config: GatewayConfig, state: GatewayState, now: number): GatewayStep {
  if (state.kind === "serving") {
    const until = now + config.drainMs;
    const log: GatewayEffect = {
      kind: "log",
      level: "info",
      message: "draining: clients are told to move",
      cause: "stopped",
    };
    const { since: _, ...watching } = state;
    const over = "not all clients have moved within PGW_DRAIN_TIME";
    const draining = { ...watching, kind: "draining", until, over } as const;
    return { state: draining, effects: [log], wakeAt: Math.min(until, state.lookAt) };
  }
  if (state.kind === "preparing" || state.kind === "starting") return end(config, state.pod, "told to");
  // The user is in a hurry.
  if (state.kind === "draining") return end(config, state.pod, "told to once more");
  const effects = state.kind === "observing" ? [endLog("told to")] : [];
  return { state: { kind: "stopped" }, effects: [...effects, { kind: "exit" }], wakeAt: Infinity };
}

function end(config: GatewayConfig, pod: PodView, why: string): GatewayStep {
  if (config.mode === "run") return { state: { kind: "stopping", pod }, effects: [endLog(why)], wakeAt: Infinity };
  return { state: { kind: "stopped" }, effects: [endLog(why), { kind: "exit" }], wakeAt: Infinity };
}

function endLog(why: string): GatewayEffect {
  return { kind: "log", level: "info", message: `stopped: ${why}` };
}
