/** Makes the kernel agree with a desired state: observe, diff, apply, verify. */

import { PgwError } from "../errors.ts";
import { type Change, diff, type IpState, type Lifetimes, type Observed } from "../netstate/diff.ts";
import type { InterfaceSettings, NetState } from "../netstate/state.ts";
import type { Uplink } from "../netstate/uplink.ts";
import { changeRequests } from "./changes.ts";
import {
  applyFirewall,
  type FirewallChange,
  firewallDifferences,
  type FirewallOptions,
  hasIpv6,
  showFirewallChange,
} from "./firewall.ts";
import { existingIndex } from "./interface_index.ts";
import { interfaceSettings, setInterfaceSettings } from "./interface_settings.ts";
import { Netlink } from "./netlink.ts";
import { NetworkLook } from "./network_look.ts";
import { readDumps } from "./observed.ts";
import { RTM, sizes } from "./rtnetlink.ts";
import type { Runner } from "./runner.ts";
import { showChange } from "./show_change.ts";
import { SocketError } from "./socket_error.ts";
import { findUplink } from "./uplink.ts";

/** One thing that was done to the kernel. */
export type Applied =
  | Change
  | FirewallChange
  | { readonly kind: "set interface"; readonly settings: InterfaceSettings };

/** The kernel took every change and still does not hold what it should: somebody else changes it back. */
export class VerifyError extends PgwError {
  constructor(readonly missing: readonly Change[]) {
    super(
      "the network state does not stay as it was set, something else in this Pod changes it: " +
        missing.map(showApplied).join("; "),
    );
  }
}

export type ReconcileOptions = FirewallOptions & {
  /** `first` (the default) closes before anything else changes; `last` opens when everything else is in place. */
  readonly firewall?: "first" | "last";
  /** Default: `about`, as for what was applied before. */
  readonly lifetimes?: Lifetimes;
  /** What links, addresses, routes, rules and neighbours are read from and changed by. */
  readonly netlink?: Netlink;
  /** Kept by the caller from one call to the next, so that what was just seen is not looked at again. */
  readonly networkLook?: NetworkLook;
  /** Told what each look showed, before anything of it is changed. */
  readonly looked?: ((observed: Observed) => void) | undefined;
};

/**
 * Makes the kernel hold `state` and nothing else of ours. A second call finds nothing to do.
 *
 * @param runner what the firewall is set by
 * @returns what was changed
 * @throws {ConflictError} a device of the wanted name is someone else's; nothing but the firewall has been changed
 * @throws {VerifyError} the changes do not last
 */
export async function reconcile(
  runner: Runner,
  state: NetState,
  options: ReconcileOptions = {},
): Promise<readonly Applied[]> {
  const setFirewall = () => applyFirewall(runner, state.firewall, options);
  const closed = options.firewall === "last" ? [] : await setFirewall();
  using opened = options.netlink === undefined ? new Netlink() : undefined;
  const netlink = options.netlink ?? opened!;
  const applied = [
    ...closed,
    ...await applyIpState(netlink, withKernelFamilies(state), options),
    ...await applyInterfaceSettings(netlink, state.interfaceSettings),
  ];
  return options.firewall === "last" ? [...applied, ...await setFirewall()] : applied;
}

/** What {@link reconcile} would do; nothing is changed. @throws {ConflictError} */
export async function differences(runner: Runner, state: NetState): Promise<readonly Applied[]> {
  using netlink = new Netlink();
  return [
    ...await firewallDifferences(runner, state.firewall),
    ...diff(withKernelFamilies(state), await look(netlink, state.neighbors !== undefined)),
    ...await settingsToSet(netlink, state.interfaceSettings),
  ];
}

/** What the kernel holds, the firewall apart, and on demand the permanent neighbours: a gateway has one for every lease. */
export async function observe(neighbors = true): Promise<Observed> {
  using netlink = new Netlink();
  return await look(netlink, neighbors);
}

async function look(netlink: Netlink, neighbors: boolean): Promise<Observed> {
  const dump = (what: string, type: number, size: number) =>
    netlink.dump({ operation: `reading the ${what}`, type, fixed: new Uint8Array(size) });
  return readDumps({
    links: await dump("links", RTM.getLink, sizes.link),
    addresses: await dump("addresses", RTM.getAddress, sizes.address),
    routes: await dump("routes", RTM.getRoute, sizes.route),
    rules: await dump("rules", RTM.getRule, sizes.rule),
    neighbors: neighbors ? await dump("neighbours", RTM.getNeighbor, sizes.neighbor) : [],
  });
}

/**
 * The Pod's own interface: `name`, or the one of its default route.
 *
 * @throws {UplinkError} there is none, or it has no IPv4 address
 */
export async function observeUplink(name?: string): Promise<Uplink> {
  return findUplink(await observe(), name);
}

/** For a log: what was done, in the words of `ip` and `iptables`. */
export function showApplied(applied: Applied): string {
  switch (applied.kind) {
    case "set firewall":
      return showFirewallChange(applied);
    case "set interface":
      return `interface ${JSON.stringify(applied.settings)}`;
    default:
      return showChange(applied);
  }
}

/**
 * Once, and once more for what the kernel itself took away as a consequence of the first; a third time would be a
 * fight with somebody.
 */
async function applyIpState(
  netlink: Netlink,
  state: IpState,
  { networkLook: seen = new NetworkLook(), lifetimes, looked }: ReconcileOptions,
): Promise<Change[]> {
  const applied: Change[] = [];
  const changesFrom = (observed: Observed) => diff(state, observed, applied.length === 0 ? lifetimes : "about");
  const lookForChanges = async () => {
    const observed = await look(netlink, state.neighbors !== undefined);
    looked?.(observed);
    const changes = changesFrom(observed);
    seen.saw(observed);
    return changes;
  };
  const remembered = seen.last();
  seen.forget();
  let changes = remembered === undefined ? [] : changesFrom(remembered);
  // That there is nothing to do is only believed at sight.
  let isSure = changes.length === 0;
  if (isSure) changes = await lookForChanges();
  for (let left = isSure ? 2 : 3; changes.length > 0; left--) {
    if (left === 0) throw new VerifyError(changes);
    try {
      await applyChanges(netlink, changes);
      applied.push(...changes);
    } catch (error) {
      // If somebody changed it since, what was asked for may have been impossible.
      if (isSure || !(error instanceof SocketError)) throw error;
    }
    isSure = true;
    changes = await lookForChanges();
  }
  return applied;
}

/** One after the other. @throws {SocketError} the kernel refuses one: those behind it are not made */
export async function applyChanges(netlink: Netlink, changes: readonly Change[]): Promise<void> {
  for (const change of changes) {
    for (const request of changeRequests(change, existingIndex)) await netlink.change(request);
  }
}

type SetInterface = Extract<Applied, { readonly kind: "set interface" }>;

async function applyInterfaceSettings(netlink: Netlink, desired: readonly InterfaceSettings[]): Promise<Applied[]> {
  const changes = await settingsToSet(netlink, desired);
  for (const { settings } of changes) await unlessGone(setInterfaceSettings(netlink, settings));
  return changes;
}

/** An interface that vanished since it was seen, as a VPN's does, needs no settings: the next look knows of it. */
async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SocketError && error.code === "ENODEV") return undefined;
    throw error;
  }
}

/** Those that the kernel does not hold yet. */
async function settingsToSet(netlink: Netlink, desired: readonly InterfaceSettings[]): Promise<SetInterface[]> {
  const changes: SetInterface[] = [];
  for (const { device, forwarding, rpFilter, acceptLocal, proxyArp } of desired) {
    const current = await unlessGone(interfaceSettings(netlink, device));
    if (current === undefined) continue;
    const different = {
      ...(forwarding === undefined || forwarding === current.forwarding ? {} : { forwarding }),
      ...(rpFilter === undefined || !current.isFiltered ? {} : { rpFilter }),
      ...(acceptLocal === undefined || acceptLocal === current.acceptLocal ? {} : { acceptLocal }),
      ...(proxyArp === undefined || proxyArp === current.proxyArp ? {} : { proxyArp }),
    };
    if (Object.keys(different).length > 0) changes.push({ kind: "set interface", settings: { device, ...different } });
  }
  return changes;
}

function withKernelFamilies(state: NetState): IpState {
  if (hasIpv6()) return state;
  return {
    ...state,
    routes: state.routes.filter((route) => route.destination.family === 4),
    rules: state.rules.filter((rule) => rule.family === 4),
  };
}
