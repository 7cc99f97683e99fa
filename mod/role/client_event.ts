/** What happens to a client, and what it wants done: the two ends of its state machine. */

import type { Ipv4 } from "../addr/ipv4.ts";
import type { Mac } from "../addr/mac.ts";
import type { GatewayCondition } from "../health/probe.ts";
import type { Fault } from "../health/watch.ts";
import type { Candidate } from "../netstate/client.ts";
import type { Uplink } from "../netstate/uplink.ts";
import type { DhcpMessage } from "../wire/dhcpv4.ts";
import type { GatewayInfo } from "./gateway_info.ts";

/** A gateway's answer. `info` is absent where it tells its address alone, as the seed's does. */
export type GatewayAnswer = { readonly podAddress: Ipv4; readonly info?: GatewayInfo };

export type ClientEvent =
  | { readonly kind: "tick" }
  /** The kernel holds what the present phase asks for. */
  | { readonly kind: "applied" }
  | { readonly kind: "applyFailed"; readonly reason: string }
  /** The answer to `observeUplink`, or what has changed since. */
  | { readonly kind: "uplink"; readonly uplink: Uplink }
  | { readonly kind: "noUplink"; readonly reason: string }
  | { readonly kind: "resolved"; readonly candidates: readonly Candidate[] }
  | { readonly kind: "unresolved"; readonly reason: string }
  | { readonly kind: "answered"; readonly answer: GatewayAnswer }
  | { readonly kind: "unanswered"; readonly reason: string }
  /** `from`: the address that it came from. */
  | { readonly kind: "dhcp"; readonly message: DhcpMessage; readonly from: Ipv4 }
  /** Another host, with the hardware address `mac`, uses `address`, which this Pod has. */
  | { readonly kind: "conflict"; readonly address: Ipv4; readonly mac: Mac }
  /** `condition` is absent where the probe was a DNS question, which is how the seed's gateway is asked. */
  | { readonly kind: "probeAnswer"; readonly nonce: string; readonly condition?: GatewayCondition }
  /** A probe came back as undeliverable, or did not leave. `noProgram`: the gateway's Pod refuses the probe's port. */
  | { readonly kind: "undelivered"; readonly fault: Fault | "noProgram" }
  /** The gateway's kernel has taken a connection through the tunnel, while a probe waited for its answer. */
  | { readonly kind: "reached" }
  /** Somebody else changed a link, an address or a route of the Pod: the gateway may have become unreachable. */
  | { readonly kind: "kernelChanged" }
  /** SIGHUP: what is waited for is tried now. */
  | { readonly kind: "look" }
  /** SIGTERM, SIGINT. */
  | { readonly kind: "stop" };

/** Why an open Pod is closed, or goes to another gateway, in a word. */
export type CloseCause =
  | "gateway_silent"
  | "gateway_unhealthy"
  | "gateway_stopping"
  | "gateway_restarted"
  /** Its Pod is there, but no gateway in it. */
  | "gateway_without_program"
  /** Its Pod is there, but the gateway in it is held up. */
  | "gateway_stalled"
  /** The next gateway's tunnel cannot be made beside the present one's. */
  | "tunnel_differs"
  | "lease_lost"
  | "stopped";

/** Why an open Pod is closed, or goes to another gateway: in a word, and for people. */
export type Loss = { readonly cause: CloseCause; readonly reason: string };

/** One message to people. */
export type LogEffect = {
  readonly kind: "log";
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
  /** It is closed because of this: counted by the shell. */
  readonly cause?: CloseCause;
  /** It stays open, and goes to its next gateway because of this: counted by the shell. */
  readonly moves?: CloseCause;
};

export type ClientEffect =
  | { readonly kind: "observeUplink" }
  | { readonly kind: "resolve" }
  /**
   * Ask the candidates for a gateway, by preference another than `avoid` (a Pod address), until `tries` of the questions
   * have failed, or one for each candidate: one address may stand for many gateways.
   */
  | { readonly kind: "ask"; readonly candidates: readonly Candidate[]; readonly avoid?: Ipv4; readonly tries: number }
  /** `vtep`: the gateway that hears what is for all, which need not be the one at the other end of the tunnel. */
  | { readonly kind: "sendDhcp"; readonly message: DhcpMessage; readonly destination: Ipv4; readonly vtep: Ipv4 }
  /** Find out whether another host has `address`, and tell of it whenever one claims it. */
  | { readonly kind: "watchAddress"; readonly address: Ipv4 }
  | { readonly kind: "sendProbe"; readonly to: Ipv4; readonly nonce: string; readonly form: "probe" | "dns" }
  | { readonly kind: "pointResolvConf"; readonly gateway: Ipv4 }
  | LogEffect
  /** The work is done, or can never be: the process ends, and the Pod stays as it is. */
  | { readonly kind: "exit"; readonly reason: string };
