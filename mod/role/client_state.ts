/** The states of a client, what is known in each, and what the kernel should hold meanwhile. */

import type { Ipv4 } from "../addr/ipv4.ts";
import type { Prefix4 } from "../addr/prefix.ts";
import type * as dhcp from "../dhcp/client.ts";
import type { Lease } from "../dhcp/lease.ts";
import type { clientPhases } from "../health/client_history.ts";
import type { GatewayCondition } from "../health/probe.ts";
import type { Watch, WatchConfig } from "../health/watch.ts";
import type { Candidate, ClientNetConfig, ClientPhase, LeasedAddress, Tunnel } from "../netstate/client.ts";
import type { Uplink } from "../netstate/uplink.ts";
import type { ClientEffect } from "./client_event.ts";
import type { Report } from "./client_report.ts";

export type ClientConfig = {
  readonly net: ClientNetConfig;
  /** `init` ends when the Pod is open; `start` leaves everything as it is when it is stopped; `run` gives it back. */
  readonly mode: "init" | "start" | "run";
  /** Who is asked for a gateway, as the user wrote it. */
  readonly service: string;
  /** The tunnel to a gateway that tells no more than its address. */
  readonly fallback: { readonly id: number; readonly port: number; readonly network: Prefix4 };
  /** Where a gateway Pod itself listens, behind its Service. */
  readonly httpPort: number;
  readonly watch: WatchConfig;
  /** Sent with DHCP requests (option 12): the Pod's name. */
  readonly hostName?: string;
};

/** A search for a gateway, and what the last tunnel left. */
export type Search = Aim & { readonly uplink: Uplink };

/** What is kept of a search while the Pod's own interface is not known, or looked at anew. */
export type Aim = {
  readonly attempts: number;
  readonly report: Report;
  /** The address that was leased before: asked for again. */
  readonly previous?: Ipv4;
  /** The gateway that failed: taken only when there is no other. */
  readonly avoid?: Ipv4;
};

/** A gateway that was chosen, and the tunnel to it. */
export type Link = {
  readonly uplink: Uplink;
  readonly tunnel: Tunnel;
  readonly network: Prefix4;
  /** Absent: a gateway of the seed's kind, which has no probe. */
  readonly condition?: GatewayCondition;
};

export type Leasing = {
  readonly search: Search;
  readonly link: Link;
  readonly dhcp: dhcp.ClientState;
  readonly deadline: number;
};

export type Leased = { readonly link: Link; readonly dhcp: dhcp.ClientState; readonly lease: Lease };

/** What an earlier process left in the kernel: an open Pod, whose gateway is asked whether it is still the one. */
export type FoundTunnel = { readonly link: Link; readonly lease: LeasedAddress };

/** Applications use the tunnel to one gateway while a lease of the next one is got: another, or the same one anew. */
export type Moving = Leased & {
  /** Of the gateway that still carries the traffic. */
  readonly watch: Watch;
  readonly aim: Aim;
  readonly move: Move;
};

/** How far it is with the next gateway. The names are those of the states of a closed client. */
export type Move =
  | { readonly kind: "resolving" }
  | { readonly kind: "admitting"; readonly candidates: readonly Candidate[] }
  | { readonly kind: "asking"; readonly candidates: readonly Candidate[] }
  | { readonly kind: "pausing"; readonly until: number }
  /** It is let in, and so is what is said to it. */
  | { readonly kind: "connecting"; readonly link: Link }
  | { readonly kind: "leasing"; readonly link: Link; readonly dhcp: dhcp.ClientState; readonly deadline: number };

export type ClientState =
  | { readonly kind: "closing"; readonly aim: Aim }
  /** The Pod is closed; its own interface is looked at (again at `at`). */
  | { readonly kind: "observing"; readonly aim: Aim; readonly at: number }
  | { readonly kind: "resolving"; readonly search: Search }
  /** The firewall lets the question to the candidates out. */
  | { readonly kind: "admitting"; readonly search: Search; readonly candidates: readonly Candidate[] }
  | { readonly kind: "asking"; readonly search: Search; readonly candidates: readonly Candidate[] }
  | { readonly kind: "pausing"; readonly search: Search; readonly until: number }
  /** The VXLAN device is made. */
  | { readonly kind: "connecting"; readonly search: Search; readonly link: Link }
  | { readonly kind: "leasing" } & Leasing
  /** The leased address is put on the device. */
  | { readonly kind: "addressing"; readonly search: Search } & Leased
  | { readonly kind: "verifying"; readonly search: Search; readonly watch: Watch; readonly deadline: number } & Leased
  | { readonly kind: "opening" } & Leased
  | { readonly kind: "open"; readonly watch: Watch; readonly openedAt: number } & Leased
  | { readonly kind: "moving" } & Moving
  /** Closed for good: the process ends when the kernel holds it. */
  | { readonly kind: "stopping"; readonly uplink?: Uplink }
  | { readonly kind: "stopped" };

export type Step = {
  readonly state: ClientState;
  readonly effects: readonly ClientEffect[];
  /** When `step` wants a `tick`, if nothing comes before. May be `Infinity`. */
  readonly wakeAt: number;
};

export type Random = () => number;

/** What the kernel should hold in `state`; `undefined`: leave it as it is. */
export function phaseOf(state: ClientState): ClientPhase | undefined {
  switch (state.kind) {
    case "stopped":
      return undefined;
    case "closing":
    case "observing":
      return { phase: "closed" };
    case "resolving":
    case "pausing":
      return { phase: "discovering", uplink: state.search.uplink, candidates: [] };
    case "admitting":
    case "asking":
      return { phase: "discovering", uplink: state.search.uplink, candidates: state.candidates };
    case "connecting":
    case "leasing":
      return { phase: "leasing", uplink: state.link.uplink, tunnel: state.link.tunnel };
    case "addressing":
    case "verifying":
      return { phase: "verifying", ...leasedView(state) };
    case "opening":
    case "open":
      return { phase: "open", ...leasedView(state) };
    case "moving":
      return { phase: "moving", ...leasedView(state), ...nextView(state.move) };
    case "stopping":
      return { phase: "closed", ...(state.uplink === undefined ? {} : { uplink: state.uplink }) };
  }
}

/** Whether applications have the tunnel. */
export function isReady({ kind }: ClientState): boolean {
  return kind === "open" || kind === "moving";
}

/** The phase of docs/security.md in a word, for those who watch. */
export function phaseName(state: ClientState): typeof clientPhases[number] {
  return state.kind === "stopping" ? "stopped" : phaseOf(state)?.phase ?? "stopped";
}

/** The states between which the kernel is waited for: each is told once that it holds what is wanted. */
export function stageOf(state: ClientState): string {
  return state.kind === "moving" ? `moving, ${state.move.kind}` : state.kind;
}

function nextView(move: Move) {
  const candidates = "candidates" in move ? move.candidates : [];
  return { candidates, ...("link" in move ? { next: move.link.tunnel.remote } : {}) };
}

function leasedView({ link, lease }: { readonly link: Link; readonly lease: LeasedAddress }) {
  const { address, prefixLength, expiresAt } = lease;
  return { uplink: link.uplink, tunnel: link.tunnel, lease: { address, prefixLength, expiresAt } };
}
