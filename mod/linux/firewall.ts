/**
 * Sets the firewall by `iptables-restore`: one process for a family's change, which lists in the end what it made of it.
 *
 * Time counts twice here: before the first rule stands an application may send, and each change is waited for. What
 * costs most is the end of a process that deleted rules (iptables-nft: when it closes its socket, the kernel waits until
 * no packet can be in the deleted rules any more, 10 to 40 ms); so that end is not waited for once the list is there.
 */

import { PgwError } from "../errors.ts";
import type { Firewall } from "../netstate/state.ts";
import {
  countingTables,
  diffFirewall,
  type ObservedFirewall,
  parseLists,
  renderChanges,
  renderLists,
  type TableChange,
  tablesOf,
} from "./iptables.ts";
import { CommandError, type Runner } from "./runner.ts";
import { WrittenChains } from "./written_chains.ts";

/** What was changed of one table. */
export type FirewallChange = { readonly kind: "set firewall"; readonly family: 4 | 6; readonly change: TableChange };

/** iptables took every change and its list still does not show them: somebody else changes it back. */
export class FirewallError extends PgwError {
  constructor(family: 4 | 6, changes: readonly TableChange[]) {
    super(
      "the firewall does not stay as it was set, something else in this Pod changes it: " +
        changes.map((change) => showFirewallChange({ family, change })).join("; "),
    );
  }
}

/** What the firewall was seen to hold last. A look costs a process, and each change ends with one. */
export class FirewallLook {
  readonly #seen = new Map<4 | 6, { readonly observed: ObservedFirewall; readonly at: number }>();

  /** @param freshMs so long what was seen counts as what is where nothing is to be changed */
  constructor(readonly freshMs = 1_000) {}

  /** Good enough to change from, however old: the list after a change shows where it was wrong. */
  last(family: 4 | 6): { readonly observed: ObservedFirewall; readonly isFresh: boolean } | undefined {
    const seen = this.#seen.get(family);
    return seen && { observed: seen.observed, isFresh: performance.now() - seen.at < this.freshMs };
  }

  saw(family: 4 | 6, observed: ObservedFirewall): void {
    this.#seen.set(family, { observed, at: performance.now() });
  }

  /** In a new Pod there is nothing of ours. Where there is, it is put right as soon as the first list shows it. */
  presumeNothing(): void {
    for (const family of [4, 6] as const) this.saw(family, new Map());
  }

  /** To be called before something is changed, or when others may have changed it. */
  forget(family?: 4 | 6): void {
    if (family === undefined) this.#seen.clear();
    else this.#seen.delete(family);
  }
}

/** Told of each list of all rules with their counters, as `iptables -S -v` prints them, before they are changed. */
export type FirewallListed = (family: 4 | 6, output: string) => void;

export type FirewallOptions = {
  /** Kept by the caller from one call to the next, so that what was just seen is not looked at again. */
  readonly look?: FirewallLook;
  readonly listed?: FirewallListed;
};

/** Makes the kernel hold `firewall` and no other chains of ours, both families at once. A second call finds nothing to do. */
export async function applyFirewall(
  runner: Runner,
  firewall: BothFamilies,
  { look = new FirewallLook(), listed }: FirewallOptions = {},
): Promise<readonly FirewallChange[]> {
  const runs = families().map((family) => new Family(runner, family, look, listed).apply(firewall[`v${family}`]));
  // One family that fails does not keep the other from being done.
  await Promise.allSettled(runs);
  return (await Promise.all(runs)).flat();
}

/** What {@link applyFirewall} would change. */
export async function firewallDifferences(
  runner: Runner,
  firewall: BothFamilies,
): Promise<readonly FirewallChange[]> {
  const differences = families().map(async (family) => {
    const observed = await new Family(runner, family, new FirewallLook()).list();
    return changesOf(family, diffFirewall(firewall[`v${family}`], observed));
  });
  return (await Promise.all(differences)).flat();
}

/** Has all rules listed, and changes nothing. */
export async function listFirewalls(runner: Runner, listed: FirewallListed): Promise<void> {
  await Promise.all(families().map((family) => new Family(runner, family, new FirewallLook(), listed).list()));
}

type BothFamilies = { readonly v4: Firewall; readonly v6: Firewall };

function families(): readonly (4 | 6)[] {
  return hasIpv6() ? [4, 6] : [4];
}

function changesOf(family: 4 | 6, changes: readonly TableChange[]): FirewallChange[] {
  return changes.map((change) => ({ kind: "set firewall", family, change }));
}

/** Of all chains of this process. Who only looks (`pgw doctor`) goes by their labels. */
const written = { 4: new WrittenChains(), 6: new WrittenChains() } as const;

/** A second time for what the list shows to be still wrong; a third would be a fight with somebody. */
const mostAttempts = 2;

class Family {
  readonly #tables: readonly string[];

  constructor(
    readonly runner: Runner,
    readonly family: 4 | 6,
    readonly look: FirewallLook,
    readonly listed: FirewallListed = () => {},
  ) {
    this.#tables = tablesOf(family);
  }

  async apply(firewall: Firewall): Promise<FirewallChange[]> {
    const last = this.look.last(this.family);
    if (last === undefined || (!last.isFresh && diffFirewall(firewall, last.observed).length === 0)) {
      return await this.#change(firewall, await this.list());
    }
    try {
      return await this.#change(firewall, last.observed);
    } catch (error) {
      // If somebody changed it since, what was asked for may have been impossible.
      if (!(error instanceof CommandError)) throw error;
      return await this.#change(firewall, await this.list());
    }
  }

  async list(): Promise<ObservedFirewall> {
    const output = await this.#restore(renderLists(this.#tables), this.#tables);
    return this.#read(output, this.#tables, this.#tables.length);
  }

  async #change(firewall: Firewall, before: ObservedFirewall): Promise<FirewallChange[]> {
    const done: TableChange[] = [];
    let observed = before;
    this.look.forget(this.family);
    for (let attempt = 0;; attempt++) {
      const changes = diffFirewall(firewall, observed, written[this.family]);
      if (changes.length === 0) {
        this.look.saw(this.family, observed);
        return changesOf(this.family, done);
      }
      if (attempt === mostAttempts) throw new FirewallError(this.family, changes);
      const changed = changes.map(({ table }) => table);
      const before = countingTables(observed);
      const after = this.#tables.filter((table) => !observed.has(table) && !changed.includes(table));
      const listed = [...before, ...changed, ...after];
      const output = await this.#restore(renderChanges(changes, { before, after }), listed);
      observed = new Map([...observed, ...this.#read(output, listed, before.length)]);
      done.push(...changes);
    }
  }

  /** @param tables what was listed, in this order: first `counting` tables with their counters, then what was changed */
  #read(output: string, tables: readonly string[], counting: number): ObservedFirewall {
    const lists = parseLists(output, tables.length);
    if (counting > 0) this.listed(this.family, output.slice(0, lists[counting - 1]?.end));
    return new Map(tables.map((table, index) => [table, lists[index]?.table ?? new Map()]));
  }

  /** What it printed until the last of `tables` was listed whole. */
  #restore(text: string, tables: readonly string[]): Promise<string> {
    const isWhole = (output: string) => parseLists(output, tables.length)[tables.length - 1]?.end !== undefined;
    return this.runner.run([programs[this.family], "--noflush", "--wait", "5"], text, isWhole);
  }
}

const programs = { 4: "iptables-restore", 6: "ip6tables-restore" } as const;

/** Whether this kernel knows IPv6 at all: then it must be closed too, whatever that takes. */
export function hasIpv6(): boolean {
  try {
    Deno.statSync("/proc/net/if_inet6");
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** In the words of iptables, for a log. */
export function showFirewallChange({ family, change }: Omit<FirewallChange, "kind">): string {
  return `${family === 4 ? "iptables" : "ip6tables"} ${change.table}: ${change.summary.join(", ")}`;
}
