/**
 * Firewalls as text for `iptables-restore --noflush`, and the rules that it lists as values. Pure.
 *
 * The last rule of each chain of ours has a label, a comment with a fingerprint of the rules that were asked for.
 * `written_chains.ts` tells whether the rest is what was asked for, too. A comment is a match that takes time with each
 * packet that comes to it, which behind the last rule's other matches hardly any does.
 */

import type { Chain, Firewall } from "../netstate/state.ts";
import type { WrittenChains } from "./written_chains.ts";

/** What a table holds: the rules of each chain as iptables prints them behind `-A CHAIN`. */
export type ObservedTable = ReadonlyMap<string, readonly string[]>;
export type ObservedFirewall = ReadonlyMap<string, ObservedTable>;

/** Chains of this prefix are ours alone. */
const prefix = "PGW-";

/** The tables that chains of ours may be in. */
export function tablesOf(family: 4 | 6): readonly string[] {
  return family === 4 ? ["nat", "mangle", "filter"] : ["mangle", "filter"];
}

/** A built-in chain that every table has. */
const common = "OUTPUT";

/**
 * What makes `iptables-restore --noflush` list `tables`, with counters: it takes `-S` as well, and one process does for
 * everything. The chain {@link common} is listed once more behind each whole table, so that its end is seen. iptables-nft
 * prints a table when it comes to the next: hence the last list, which is not waited for.
 */
export function renderLists(tables: readonly string[]): string {
  return tables.map(renderList).join("") + renderSection("filter", [`-S ${common}`]);
}

function renderList(table: string): string {
  return renderSection(table, ["-S -v", `-S ${common}`]);
}

function renderSection(table: string, lines: readonly string[]): string {
  return `*${table}\n${lines.join("\n")}\nCOMMIT\n`;
}

/** One table as it was listed. */
export type List = {
  readonly table: ObservedTable;
  /** Where in the output its end was seen; absent: not yet. */
  readonly end?: number;
};

/** Reads what up to `count` lists made it print so far. */
export function parseLists(output: string, count: number): List[] {
  const lists: { readonly table: Map<string, string[]>; end?: number }[] = [];
  for (const { index, 1: command, 2: chain = "", 3: rule = "" } of output.matchAll(/^-([PNA]) (\S+) ?(.*)$/gm)) {
    const list = lists.at(-1);
    if (list === undefined || list.end !== undefined) {
      if (command !== "P") continue;
      if (lists.length === count) break;
      lists.push({ table: new Map([[chain, []]]) });
    } else if (command === "A") {
      list.table.get(chain)?.push(withoutCounters(rule));
    } else if (list.table.has(chain)) {
      list.end = index;
    } else {
      list.table.set(chain, []);
    }
  }
  return lists;
}

/** They stand between a rule's matches, a comment among them, and its target. */
function withoutCounters(rule: string): string {
  return rule.replace(/(?:^| )-c \d+ \d+(?= |$)(?!.* -c \d)/, "").trimStart();
}

/** One table's part of the change from what is observed to what is desired. */
export type TableChange = {
  readonly table: string;
  /** Lines for `iptables-restore`, which the kernel takes all at once or not at all. */
  readonly lines: readonly string[];
  /** Whether something is taken away by it, if only to be replaced. */
  readonly deletes: boolean;
  /** In words: `PGW-OUTPUT` is written, `jumps of OUTPUT` are set right, `without PGW-OLD` removes that chain. */
  readonly summary: readonly string[];
};

/**
 * What makes the kernel hold `desired` and no other chains of ours; empty when it does.
 *
 * Tables to which something is only added come first, and of the rest the filter, which is what closes: before
 * iptables-nft's kernel adds to a table, it waits until what was deleted from another a moment ago is out of all use.
 *
 * @param written absent: a chain with the right label and the right number of rules counts as whole
 */
export function diffFirewall(desired: Firewall, observed: ObservedFirewall, written?: WrittenChains): TableChange[] {
  const tables = new Set(["filter", ...desired.chains.map((chain) => chain.table), ...observed.keys()]);
  return [...tables].flatMap((table) => {
    const chains = desired.chains.filter((chain) => chain.table === table);
    const change = diffTable(table, chains, observed.get(table) ?? new Map(), written);
    return change.lines.length === 0 ? [] : [change];
  }).sort((a, b) => Number(a.deletes) - Number(b.deletes));
}

function diffTable(
  table: string,
  chains: readonly Chain[],
  observed: ObservedTable,
  written: WrittenChains | undefined,
): TableChange {
  const stale = chains.map(labelled).filter((chain) => {
    const rules = observed.get(chain.name);
    return !(hasLabel(rules, chain) && (written === undefined || written.holds(chain, rules)));
  });
  const surplus = [...observed.keys()].filter((name) =>
    name.startsWith(prefix) && !chains.some((chain) => chain.name === name)
  );
  const jumps = diffJumps(chains, observed);
  return {
    table,
    deletes: surplus.length > 0 || jumps.deletes || stale.some((chain) => (observed.get(chain.name) ?? []).length > 0),
    lines: [
      // Naming a chain makes it, or empties it if it is there.
      ...[...stale.map((chain) => chain.name), ...surplus].map((name) => `:${name} - [0:0]`),
      ...stale.flatMap((chain) => chain.rules.map((rule) => `-A ${chain.name} ${rule}`)),
      ...jumps.lines,
      ...surplus.map((name) => `-X ${name}`),
    ],
    summary: [
      ...stale.map((chain) => chain.name),
      ...jumps.hooks.map((hook) => `jumps of ${hook}`),
      ...surplus.map((name) => `without ${name}`),
    ],
  };
}

function hasLabel(rules: readonly string[] | undefined, chain: Labelled): rules is readonly string[] {
  return rules?.length === chain.rules.length && rules.at(-1)?.includes(chain.label) === true;
}

/** The first rules of each built-in chain must be one jump to each of our chains there, which jump from nowhere else. */
function diffJumps(
  chains: readonly Chain[],
  observed: ObservedTable,
): { readonly lines: string[]; readonly hooks: string[]; readonly deletes: boolean } {
  let deletes = false;
  const lines: string[] = [];
  const wrong: string[] = [];
  for (const hook of new Set([...chains.map((chain) => chain.hook), ...observed.keys()])) {
    if (hook.startsWith(prefix)) continue;
    const wanted = chains.filter((chain) => chain.hook === hook).map((chain) => `-j ${chain.name}`);
    const rules = observed.get(hook) ?? [];
    const ours = rules.filter((rule) => rule.split(" ").some((word, i, words) => isJump(words[i - 1], word)));
    const kept = keptJumps(wanted, rules, ours);
    const surplus = ours.slice(kept);
    if (surplus.length === 0 && kept === wanted.length) continue;
    wrong.push(hook);
    deletes ||= surplus.length > 0;
    lines.push(
      ...surplus.map((rule) => `-D ${hook} ${rule}`),
      ...wanted.slice(kept).map((jump, index) => `-I ${hook} ${kept + index + 1} ${jump}`),
    );
  }
  return { lines, hooks: wrong, deletes };
}

/** How many of the first rules are right. None, where one is there twice: which of them is deleted could not be said. */
function keptJumps(wanted: readonly string[], rules: readonly string[], ours: readonly string[]): number {
  const wrong = wanted.findIndex((jump, index) => rules[index] !== jump);
  const kept = wrong < 0 ? wanted.length : wrong;
  return new Set(ours).size === ours.length ? kept : 0;
}

function isJump(option: string | undefined, target: string): boolean {
  return (option === "-j" || option === "-g") && target.startsWith(prefix);
}

/** The tables that `observed` has chains of ours in: with what is replaced, its counters are lost. */
export function countingTables(observed: ObservedFirewall): string[] {
  return [...observed].filter(([, table]) => [...table.keys()].some((name) => name.startsWith(prefix))).map(([table]) =>
    table
  );
}

/**
 * The text for `iptables-restore --noflush` that makes `changes`: it lists the tables `before` first, behind each change
 * the table that was changed, and the tables `after` last.
 */
export function renderChanges(
  changes: readonly TableChange[],
  { before = [], after = [] }: { readonly before?: readonly string[]; readonly after?: readonly string[] } = {},
): string {
  return before.map(renderList).join("") +
    changes.map(({ table, lines }) => renderSection(table, lines) + renderList(table)).join("") + renderLists(after);
}

type Labelled = Chain & { readonly label: string };

function labelled(chain: Chain): Labelled {
  const known = labels.get(chain);
  if (known !== undefined) return known;
  const label = `-m comment --comment "pgw ${fingerprint(chain.rules.join("\n"))}"`;
  const last = chain.rules.length - 1;
  const rules = chain.rules.map((rule, index) => index === last ? rule.replace(/(?=-j \S+)/, `${label} `) : rule);
  const result = { ...chain, rules, label };
  labels.set(chain, result);
  return result;
}

/** A chain is compared several times while it is set. */
const labels = new WeakMap<Chain, Labelled>();

/** FNV-1a, 64 bits, in hexadecimal (draft-eastlake-fnv, section 2). In two halves: with a bigint it takes ten times as long. */
function fingerprint(text: string): string {
  let [high, low] = [0xcbf29ce4, 0x84222325];
  for (const byte of new TextEncoder().encode(text)) {
    low = (low ^ byte) >>> 0;
    // Times the prime, 2^40 + 0x1b3.
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return [high, low].map((half) => half.toString(16).padStart(8, "0")).join("");
}
