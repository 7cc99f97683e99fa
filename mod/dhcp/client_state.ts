/** The states, events and effects of the DHCP client. */

import type { Ipv4 } from "../addr/ipv4.ts";
import type { DhcpMessage } from "../wire/dhcpv4.ts";
import type { ClientIdentity, Transaction } from "./client_messages.ts";
import type { Lease, LeasePolicy } from "./lease.ts";

/** A number in [0, 1). */
export type Random = () => number;

export type DhcpClientConfig = ClientIdentity & LeasePolicy & {
  /** The only server to listen to. Absent: the first that answers. */
  readonly server?: Ipv4;
};

export type ClientEvent =
  /** `from`: the address that it came from, where that is known. */
  | { readonly kind: "message"; readonly message: DhcpMessage; readonly from?: Ipv4 }
  | { readonly kind: "tick" }
  /** A planned stop: the address is given back. */
  | { readonly kind: "release" }
  /** Another host was seen to use the leased address (RFC 5227). */
  | { readonly kind: "conflict" };

export type ClientEffect =
  /** From port 68 to port 67 of `destination`: 255.255.255.255, or the server when the client has its address. */
  | { readonly kind: "send"; readonly message: DhcpMessage; readonly destination: Ipv4 }
  /** `renewed`: the same address as before, with more time. */
  | { readonly kind: "bound"; readonly lease: Lease; readonly renewed: boolean }
  /** The address must be taken off the interface now. */
  | { readonly kind: "lost"; readonly reason: "refused" | "expired" | "conflict" | "released" }
  /** An answer that was not taken, once for each server and reason: for the log and the metrics. */
  | { readonly kind: "ignored"; readonly reason: string; readonly server: Ipv4 };

/** What outlives the states. */
export type Context = {
  readonly config: DhcpClientConfig;
  /** When the client last began anew; it does so at once, but not twice in ten seconds. */
  readonly restartedAt: number;
  /** The address that another host was last seen to use. */
  readonly declined?: { readonly address: Ipv4; readonly at: number };
  /** Which ignored servers were reported. */
  readonly reported: ReadonlySet<string>;
};

/** A question that waits for its answer. */
export type Exchange = Transaction & {
  /** What `secs` counts from. */
  readonly startedAt: number;
  /**
   * From when a lease that is given in answer counts (section 4.4.5): when it was asked for, which is before the server
   * counts. With rapid commit the answer may be to any DHCPDISCOVER of the first seconds, so the first of them counts;
   * but there may have been no server for minutes, so of those that come four seconds and more after each other, the
   * last.
   */
  readonly askedAt: number;
  /** How many times it was repeated. */
  readonly attempt: number;
  readonly retransmitAt: number;
};

export type ClientState =
  /** INIT, until it may send. */
  | { readonly kind: "waiting"; readonly context: Context; readonly until: number }
  | { readonly kind: "selecting"; readonly context: Context; readonly exchange: Exchange; readonly hint?: Ipv4 }
  | {
    readonly kind: "requesting";
    readonly context: Context;
    readonly exchange: Exchange;
    readonly address: Ipv4;
    readonly server: Ipv4;
  }
  /** INIT-REBOOT and REBOOTING. */
  | { readonly kind: "rebooting"; readonly context: Context; readonly exchange: Exchange; readonly address: Ipv4 }
  | { readonly kind: "bound"; readonly context: Context; readonly lease: Lease }
  | {
    readonly kind: "renewing" | "rebinding";
    readonly context: Context;
    readonly exchange: Exchange;
    readonly lease: Lease;
  }
  | { readonly kind: "stopped"; readonly context: Context };

export type Step = {
  readonly state: ClientState;
  /** In the order in which they are to be done. */
  readonly effects: readonly ClientEffect[];
  /** When `step` wants a `tick`, if nothing comes before. May be `Infinity`. */
  readonly wakeAt: number;
};

/** A state in which an answer is awaited. */
export type Asking = Extract<ClientState, { exchange: Exchange }>;
/** A state with a lease. */
export type Holding = Extract<ClientState, { lease: Lease }>;

/** The lease that the state holds, if any. */
export function heldLease(state: ClientState): Lease | undefined {
  return "lease" in state ? state.lease : undefined;
}

/** Nothing to do until the state's time comes. */
export function stay(state: ClientState): Step {
  return { state, effects: [], wakeAt: wakeTime(state) };
}

function wakeTime(state: ClientState): number {
  switch (state.kind) {
    case "waiting":
      return state.until;
    case "bound":
      return state.lease.renewAt;
    case "selecting":
    case "requesting":
    case "rebooting":
    case "renewing":
    case "rebinding":
      return state.exchange.retransmitAt;
    case "stopped":
      return Infinity;
  }
}

/** `effects` before those of `after`. */
export function withEffects(effects: readonly ClientEffect[], after: Step): Step {
  return { ...after, effects: [...effects, ...after.effects] };
}
