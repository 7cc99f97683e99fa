/** The lease in a tunnel: asked for, kept, given back. */

import { formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import { formatMac } from "../addr/mac.ts";
import * as dhcp from "../dhcp/client.ts";
import { type Lease, resumedLease } from "../dhcp/lease.ts";
import type { LeasedAddress } from "../netstate/client.ts";
import type { ClientEffect, ClientEvent, Loss } from "./client_event.ts";
import type { ClientConfig, ClientState, Leased, Link, Random, Search, Step } from "./client_state.ts";
import { silent } from "./client_report.ts";
import { closedLog, fresh, info, leave, pause, withEffects } from "./client_step.ts";

type LeasingState = Extract<ClientState, { kind: "leasing" }>;
type WithLease = Extract<ClientState, { readonly lease: Lease }>;

/** dnsmasq offers after three seconds: it pings the address first. */
const leaseTimeoutMs = 10_000;

/** Begins to ask for a lease in the tunnel of `link`: for `previous` (INIT-REBOOT), or for any. */
export function beginDhcp(
  config: ClientConfig,
  link: Link,
  previous: Ipv4 | undefined,
  now: number,
  random: Random,
): dhcp.Step {
  return dhcp.startDhcpClient(
    dhcpConfig(config, link),
    previous === undefined ? undefined : { address: previous },
    now,
    random,
  );
}

/** Holds what an earlier process leased in the tunnel of `link`. */
export function resumeDhcp(config: ClientConfig, link: Link, known: LeasedAddress, now: number): Leased {
  const lease = resumedLease({ ...known, server: link.tunnel.gateway }, now);
  return { link, lease, dhcp: dhcp.resumeDhcpClient(dhcpConfig(config, link), lease) };
}

function dhcpConfig(config: ClientConfig, { tunnel, network, uplink }: Link): dhcp.DhcpClientConfig {
  return {
    mac: tunnel.mac,
    network,
    server: tunnel.gateway,
    ownAddresses: uplink.ownAddresses,
    ...(config.hostName === undefined ? {} : { hostName: config.hostName }),
  };
}

/** What the DHCP client sees of an event. */
export function dhcpEvent(event: ClientEvent): dhcp.ClientEvent {
  return event.kind === "dhcp" ? { kind: "message", message: event.message, from: event.from } : { kind: "tick" };
}

/** What a step of the DHCP client asks for that speaks with the gateway of `link`. */
export function dhcpEffects({ effects }: dhcp.Step, { tunnel: { remote } }: Link): ClientEffect[] {
  return effects.flatMap((effect): ClientEffect[] => {
    if (effect.kind === "send") {
      return [{ kind: "sendDhcp", message: effect.message, destination: effect.destination, vtep: remote }];
    }
    if (effect.kind !== "ignored") return [];
    const server = formatIpv4(effect.server);
    return [{ kind: "log", level: "warn", message: `a DHCP answer of ${server} is ignored: ${effect.reason}` }];
  });
}

/** The lease that a step of the DHCP client brought, if it brought one. */
export function boundLease({ effects }: dhcp.Step): Lease | undefined {
  return effects.find((effect) => effect.kind === "bound")?.lease;
}

export function leasedLog(lease: Lease): ClientEffect {
  const address = formatIpv4(lease.address);
  return info(`address leased: ${address}`, { address });
}

/** Whether somebody else has the leased address is found out while it is put to use; RFC 5227 waits for seconds before. */
export function watchEffect({ address }: LeasedAddress): ClientEffect {
  return { kind: "watchAddress", address };
}

/** Another host has the leased address. */
export function conflictLoss({ address, mac }: Extract<ClientEvent, { kind: "conflict" }>): Loss {
  return {
    cause: "lease_lost",
    reason: `the leased address ${formatIpv4(address)} is used by another host, ${formatMac(mac)}`,
  };
}

/** To where the firewall leads questions, or lets them alone through, whatever nameservers the lease names for others. */
export function resolvConfEffect({ tunnel }: Link): ClientEffect {
  return { kind: "pointResolvConf", gateway: tunnel.gateway };
}

/** Why a gateway that answers over HTTP gives no lease. */
export function silenceReason({ tunnel: { remote, port }, condition }: Link): string {
  const gateway = `the gateway ${formatIpv4(remote)}`;
  if (condition?.full) return `${gateway} is full: it has no address for another client`;
  return `${gateway} answers over HTTP, but nothing comes back through the tunnel: is UDP port ` +
    `${port} between the two Pods blocked by a NetworkPolicy or by the CNI (Calico drops 4789 from Pods: set ` +
    "PGW_VXLAN_PORT on the gateway)?";
}

/** What gives the address back. */
export function releaseEffects({ dhcp: holding, link }: Leased, now: number, random: Random): ClientEffect[] {
  return dhcpEffects(dhcp.step(holding, { kind: "release" }, now, random), link);
}

// States of a closed client.

export function startLease(config: ClientConfig, search: Search, link: Link, now: number, random: Random): Step {
  const first = beginDhcp(config, link, search.previous, now, random);
  const state = { kind: "leasing" as const, search, link, dhcp: first.state, deadline: now + leaseTimeoutMs };
  return leaseStep(state, first, now, random);
}

export function leasing(state: LeasingState, event: ClientEvent, now: number, random: Random): Step {
  if (now < state.deadline) return leaseStep(state, dhcp.step(state.dhcp, dhcpEvent(event), now, random), now, random);
  return pause({ ...state.search, avoid: state.link.tunnel.remote }, silenceReason(state.link), now, random);
}

function leaseStep(state: LeasingState, result: dhcp.Step, now: number, random: Random): Step {
  const { search, link } = state;
  const effects = dhcpEffects(result, link);
  const lease = boundLease(result);
  if (lease === undefined) {
    const wakeAt = Math.min(result.wakeAt, state.deadline);
    return { state: { ...state, dhcp: result.state }, effects, wakeAt };
  }
  if (lease.address === link.tunnel.gateway) return pause(search, "the gateway leased its own address", now, random);
  const addressing = { kind: "addressing", search, link, dhcp: result.state, lease } as const;
  return { state: addressing, effects: [...effects, leasedLog(lease), watchEffect(lease)], wakeAt: Infinity };
}

/** Keeps the lease of a state that waits for something else: renews it, and closes the Pod when it is lost. */
export function withDhcp(state: WithLease, event: ClientEvent, now: number, random: Random): Step {
  if (event.kind === "conflict" && event.address === state.lease.address) return decline(state, event, now, random);
  const result = dhcp.step(state.dhcp, dhcpEvent(event), now, random);
  const lost = result.effects.find((effect) => effect.kind === "lost");
  // What the DHCP client sends to get another address is not sent: that is for the next tunnel.
  if (lost !== undefined) {
    return leave(state, { cause: "lease_lost", reason: `the lease is lost: ${lost.reason}` }, now);
  }
  const effects = dhcpEffects(result, state.link);
  const lease = dhcp.heldLease(result.state) ?? state.lease;
  if (lease.address !== state.lease.address) {
    return withEffects(effects, leave(state, { cause: "lease_lost", reason: "the leased address changed" }, now));
  }
  return { state: { ...state, dhcp: result.state, lease }, effects, wakeAt: result.wakeAt };
}

/** The Pod is closed, and the DHCP client asks for another address in the same tunnel: at once, or ten seconds later. */
function decline(
  { link, dhcp: holding }: WithLease,
  event: Extract<ClientEvent, { kind: "conflict" }>,
  now: number,
  random: Random,
): Step {
  const result = dhcp.step(holding, { kind: "conflict" }, now, random);
  const search: Search = { ...fresh, report: { ...silent, since: now }, uplink: link.uplink };
  const deadline = now + dhcp.restartInterval + leaseTimeoutMs;
  return {
    state: { kind: "leasing", search, link, dhcp: result.state, deadline },
    effects: [closedLog(conflictLoss(event)), ...dhcpEffects(result, link)],
    wakeAt: Math.min(result.wakeAt, deadline),
  };
}
