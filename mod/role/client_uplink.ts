/** The Pod's own interface has changed: another router, another address, another MTU. */

import { formatIpv4 } from "../addr/ipv4.ts";
import type { Uplink } from "../netstate/uplink.ts";
import { linkOver } from "./client_link.ts";
import type { ClientState, Step } from "./client_state.ts";
import { leave, resolve } from "./client_step.ts";

/** What `state` is over `uplink`. */
export function withUplink(state: ClientState, uplink: Uplink): ClientState {
  const followed = {
    ...state,
    ...("search" in state ? { search: { ...state.search, uplink } } : {}),
    ...("link" in state ? { link: linkOver(uplink, state.link) } : {}),
  };
  if (followed.kind !== "moving" || !("link" in followed.move)) return followed;
  return { ...followed, move: { ...followed.move, link: linkOver(uplink, followed.move.link) } };
}

type Linked = Extract<ClientState, { readonly link: unknown }>;

/** The tunnel's end, and the MAC that the lease is tied to, are those of an address that the Pod has no more. */
export function restart(state: Linked, uplink: Uplink, now: number): Step {
  if (!("lease" in state)) return resolve({ ...state.search, uplink });
  const reason = `the Pod's own address is ${formatIpv4(uplink.address)} now`;
  return leave({ lease: state.lease, link: { ...state.link, uplink } }, { cause: "lease_lost", reason }, now);
}
