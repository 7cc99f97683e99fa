/** Makes the kernel agree with a desired state: observe, diff, apply, verify. */

import { PgwError } from "../errors.ts";
import { type Change, diff, type IpState, type Observed } from "../netstate/diff.ts";
import type { InterfaceSettings, NetState, VxlanLink } from "../netstate/state.ts";
import type { Uplink } from "../netstate/uplink.ts";
import { familyOf, neighborQuery, parseObserved, queries, renderChange } from "./ip.ts";
import { diffFirewall, listFirewall, parseFirewall, renderFirewall, type TableChange } from "./iptables.ts";
import { setBroadcasts } from "./vxlan_broadcasts.ts";
import { interfaceSettings, setInterfaceSettings } from "./netlink.ts";
import type { Runner } from "./runner.ts";
import { findUplink } from "./uplink.ts";

/** One thing that was done to the kernel. */
export type Applied =
  | Change
  | { readonly kind: "set firewall"; readonly family: 4 | 6; readonly change: TableChange }
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

export type ReconcileOptions = {
  /** `first` (the default) closes before anything else changes; `last` opens when everything else is in place. */
  readonly firewall?: "first" | "last";
  /** Kept by the caller from one call to the next, so that what was just seen is not looked at again. */
  readonly lastLook?: LastLook;
  readonly listed?: FirewallListed;
};

/** Told of each list of all rules with their counters, before they are changed. */
export type FirewallListed = (family: 4 | 6, output: string) => void;

/**
 * What was seen last of the kernel, the firewall apart. Between the steps of a start, each of which ends by looking at
 * what it made, a look at the beginning of the next would cost a quarter of its time.
 */
export class LastLook {
  #seen: { readonly observed: Observed; readonly neighbors: boolean; readonly at: number } | undefined;

  /** @param freshMs so long what was seen counts as what is */
  constructor(readonly freshMs = 1_000) {}

  /** What the kernel holds: as seen a moment ago, else as it is. */
  async recent(runner: Runner, neighbors = true): Promise<Observed> {
    const seen = this.#seen;
    const isFresh = seen !== undefined && performance.now() - seen.at < this.freshMs && (seen.neighbors || !neighbors);
    return isFresh ? seen.observed : await this.now(runner, neighbors);
  }

  /** What the kernel holds. */
  async now(runner: Runner, neighbors = true): Promise<Observed> {
    const observed = await observe(runner, neighbors);
    this.#seen = { observed, neighbors, at: performance.now() };
    return observed;
  }

  /** To be called before something is changed. */
  forget(): void {
    this.#seen = undefined;
  }
}

/**
 * Makes the kernel hold `state` and nothing else of ours. A second call finds nothing to do.
 *
 * @returns what was changed
 * @throws {ConflictError} a device of the wanted name is someone else's; nothing but the firewall has been changed
 * @throws {VerifyError} the changes do not last
 */
export async function reconcile(
  runner: Runner,
  state: NetState,
  options: ReconcileOptions = {},
): Promise<readonly Applied[]> {
  const look = options.lastLook ?? new LastLook();
  const observed = look.recent(runner, state.neighbors !== undefined);
  const plan = planFirewall(runner, state.firewall, options.listed);
  // What closes is carried out whatever becomes of the rest.
  const closed = options.firewall === "last" ? undefined : plan.then((plan) => carryOut(runner, plan));
  await Promise.allSettled([observed, plan, closed]);
  const applied = [
    ...await closed ?? [],
    ...await applyIpState(runner, withKernelFamilies(state), await observed, look),
    ...applyInterfaceSettings(state.interfaceSettings),
  ];
  leadBroadcasts(state.links);
  return closed === undefined ? [...applied, ...await carryOut(runner, await plan)] : applied;
}

/** What {@link reconcile} would do; nothing is changed. @throws {ConflictError} */
export async function differences(runner: Runner, state: NetState): Promise<readonly Applied[]> {
  const look = observe(runner, state.neighbors !== undefined);
  const [observed, plan] = await Promise.all([look, planFirewall(runner, state.firewall)]);
  return [
    ...appliedBy(plan),
    ...diff(withKernelFamilies(state), observed),
    ...settingsToSet(state.interfaceSettings),
  ];
}

/** Makes the kernel hold `firewall`, both families at once, and changes nothing else: the fast way to close. */
export async function applyFirewall(
  runner: Runner,
  firewall: NetState["firewall"],
  listed?: FirewallListed,
): Promise<readonly Applied[]> {
  return await carryOut(runner, await planFirewall(runner, firewall, listed));
}

/** Has all rules listed, and changes nothing. */
export async function listFirewalls(runner: Runner, listed: FirewallListed): Promise<void> {
  await Promise.all(
    families().map(async (family) => listed(family, await restore(runner, family, listFirewall(family)))),
  );
}

type FirewallPlan = readonly { readonly family: 4 | 6; readonly changes: readonly TableChange[] }[];

async function planFirewall(
  runner: Runner,
  firewall: NetState["firewall"],
  listed: FirewallListed = () => {},
): Promise<FirewallPlan> {
  return await Promise.all(
    families().map(async (family) => {
      const output = await restore(runner, family, listFirewall(family));
      listed(family, output);
      return { family, changes: diffFirewall(firewall[`v${family}`], parseFirewall(output, family)) };
    }),
  );
}

function families(): readonly (4 | 6)[] {
  return hasIpv6() ? [4, 6] : [4];
}

async function carryOut(runner: Runner, plan: FirewallPlan): Promise<Applied[]> {
  const runs = plan.filter(({ changes }) => changes.length > 0).map(({ family, changes }) =>
    restore(runner, family, renderFirewall(changes))
  );
  // One family that fails does not keep the other from being done.
  await Promise.allSettled(runs);
  await Promise.all(runs);
  return appliedBy(plan);
}

function appliedBy(plan: FirewallPlan): Applied[] {
  return plan.flatMap(({ family, changes }) =>
    changes.map((change): Applied => ({ kind: "set firewall", family, change }))
  );
}

const iptables = { 4: "iptables", 6: "ip6tables" } as const;

function restore(runner: Runner, family: 4 | 6, text: string): Promise<string> {
  return runner.run([`${iptables[family]}-restore`, "--noflush", "--wait", "5"], text);
}

/** Takes everything of ours out of the kernel, the firewall last. The Pod's own default route is not put back. */
export async function removeAll(runner: Runner): Promise<readonly Applied[]> {
  const nothing = { chains: [] };
  return await reconcile(runner, {
    links: [],
    addresses: [],
    routes: [],
    rules: [],
    neighbors: [],
    interfaceSettings: [],
    firewall: { v4: nothing, v6: nothing },
  }, { firewall: "last" });
}

/** What the kernel holds, the firewall apart, and on demand the permanent neighbours. */
export async function observe(runner: Runner, neighbors = true): Promise<Observed> {
  const [ipv4, ipv6] = await Promise.all([
    runner.run(["ip", "-N", "-4", "-details", "-json", "-batch", "-"], queries[4] + (neighbors ? neighborQuery : "")),
    hasIpv6() ? runner.run(["ip", "-N", "-6", "-details", "-json", "-batch", "-"], queries[6]) : undefined,
  ]);
  return parseObserved({ 4: ipv4, ...(ipv6 === undefined ? {} : { 6: ipv6 }) });
}

/**
 * The Pod's own interface: `name`, or the one of its default route.
 *
 * @throws {UplinkError} there is none, or it has no IPv4 address
 */
export async function observeUplink(runner: Runner, name?: string, look = new LastLook()): Promise<Uplink> {
  return findUplink(await look.now(runner), name);
}

/** For a log: what was done, in the words of `ip` and `iptables`. */
export function showApplied(applied: Applied): string {
  switch (applied.kind) {
    case "set firewall":
      return `${iptables[applied.family]} ${applied.change.table}: ${applied.change.summary.join(", ")}`;
    case "set interface":
      return `interface ${JSON.stringify(applied.settings)}`;
    default:
      return renderChange(applied).join("; ");
  }
}

/**
 * Once, and once more for what the kernel itself took away as a consequence of the first; a third time would be a
 * fight with somebody.
 */
async function applyIpState(runner: Runner, state: IpState, observed: Observed, look: LastLook): Promise<Change[]> {
  const applied: Change[] = [];
  let changes = diff(state, observed);
  for (let attempt = 0; changes.length > 0; attempt++) {
    if (attempt === 2) throw new VerifyError(changes);
    look.forget();
    await runBatches(runner, changes);
    applied.push(...changes);
    changes = diff(state, await look.now(runner, state.neighbors !== undefined));
  }
  return applied;
}

async function runBatches(runner: Runner, changes: readonly Change[]): Promise<void> {
  await Promise.all(([4, 6] as const).map(async (family) => {
    const lines = changes.filter((change) => familyOf(change) === family).flatMap(renderChange);
    if (lines.length > 0) await runner.run(["ip", `-${family}`, "-batch", "-"], `${lines.join("\n")}\n`);
  }));
}

function applyInterfaceSettings(desired: readonly InterfaceSettings[]): Applied[] {
  return desired.flatMap((settings) => {
    const changes = settingsToSet([settings]);
    changes.forEach(({ settings }) => setInterfaceSettings(settings));
    return changes;
  });
}

/** Those that the kernel does not hold yet. */
function settingsToSet(desired: readonly InterfaceSettings[]) {
  return desired.filter((settings) => {
    const current = interfaceSettings(settings.device);
    return (settings.forwarding !== undefined && settings.forwarding !== current.forwarding) ||
      (settings.rpFilter !== undefined && settings.rpFilter !== current.rpFilter) ||
      (settings.proxyArp !== undefined && settings.proxyArp !== current.proxyArp);
  }).map((settings) => ({ kind: "set interface" as const, settings }));
}

/** `ip` tells nothing of it: it is set whatever it was. */
function leadBroadcasts(links: readonly VxlanLink[]): void {
  for (const { name, remote, broadcasts } of links) {
    if (remote !== undefined) setBroadcasts(name, broadcasts);
  }
}

function withKernelFamilies(state: NetState): IpState {
  if (hasIpv6()) return state;
  return {
    ...state,
    routes: state.routes.filter((route) => route.destination.family === 4),
    rules: state.rules.filter((rule) => rule.family === 4),
  };
}

/** Whether this kernel knows IPv6 at all: then it must be closed too, whatever that takes. */
function hasIpv6(): boolean {
  try {
    Deno.statSync("/proc/net/if_inet6");
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
