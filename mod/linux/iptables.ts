/**
 * Firewalls as text for `iptables-restore --noflush`, and the rules that it lists as values. Pure.
 *
 * iptables prints a rule in its own words (`-d 10.0.0.1` becomes `-d 10.0.0.1/32`), so that a chain cannot be compared
 * with what was asked for. Its first rule is therefore a label, a comment with a fingerprint of the rules asked for;
 * the kernel holds them if the label is theirs and the number of rules is right.
 */

import type { Chain, Firewall } from "../netstate/state.ts";

/** What a table holds: the rules of each chain as iptables prints them behind `-A CHAIN`. */
export type ObservedTable = ReadonlyMap<string, readonly string[]>;
export type ObservedFirewall = ReadonlyMap<string, ObservedTable>;

/** Chains of this prefix are ours alone. */
const prefix = "PGW-";

/**
 * The tables that chains of ours may be in, in an order in which each begins with a built-in chain that the one before
 * has too: so the end of one table's list is seen.
 */
const listed = { 4: ["nat", "mangle", "filter"], 6: ["mangle", "filter"] } as const;

/**
 * What makes `iptables-restore --noflush` list all rules with their counters: it takes `-S` as well, and one process does
 * for all tables.
 */
export function listFirewall(family: 4 | 6): string {
  return listed[family].map((table) => `*${table}\n-S -v\nCOMMIT\n`).join("");
}

/** Reads what {@link listFirewall} makes it print. */
export function parseFirewall(output: string, family: 4 | 6): ObservedFirewall {
  const tables: Map<string, string[]>[] = [];
  for (const line of output.split("\n")) {
    const [, command, chain, rule] = /^-([PNA]) (\S+) ?(.*)$/.exec(line) ?? [];
    if (command === undefined) continue;
    if (command === "P" && (tables.length === 0 || tables.at(-1)!.has(chain!))) tables.push(new Map());
    const table = tables.at(-1)!;
    if (command === "A") table.get(chain!)?.push(withoutCounters(rule!));
    else table.set(chain!, []);
  }
  return new Map(listed[family].map((name, index) => [name, tables[index] ?? new Map()]));
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
  /** In words: `PGW-OUTPUT` is written, `jumps of OUTPUT` are set right, `without PGW-OLD` removes that chain. */
  readonly summary: readonly string[];
};

/** What makes the kernel hold `desired` and no other chains of ours; empty when it does. */
export function diffFirewall(desired: Firewall, observed: ObservedFirewall): TableChange[] {
  const tables = new Set([...desired.chains.map((chain) => chain.table), ...observed.keys()]);
  return [...tables].flatMap((table) => {
    const chains = desired.chains.filter((chain) => chain.table === table);
    const change = diffTable(table, chains, observed.get(table) ?? new Map());
    return change.lines.length === 0 ? [] : [change];
  });
}

function diffTable(table: string, chains: readonly Chain[], observed: ObservedTable): TableChange {
  const stale = chains.filter((chain) => !holds(observed.get(chain.name), chain));
  const surplus = [...observed.keys()].filter((name) =>
    name.startsWith(prefix) && !chains.some((chain) => chain.name === name)
  );
  const jumps = diffJumps(chains, observed);
  return {
    table,
    lines: [
      // Naming a chain makes it, or empties it if it is there.
      ...[...stale.map((chain) => chain.name), ...surplus].map((name) => `:${name} - [0:0]`),
      ...stale.flatMap((chain) => [label(chain), ...chain.rules].map((rule) => `-A ${chain.name} ${rule}`)),
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

function holds(rules: readonly string[] | undefined, chain: Chain): boolean {
  return rules?.[0] === label(chain) && rules.length === chain.rules.length + 1;
}

/** The first rules of each built-in chain must be one jump to each of our chains there, which jump from nowhere else. */
function diffJumps(
  chains: readonly Chain[],
  observed: ObservedTable,
): { readonly lines: string[]; readonly hooks: string[] } {
  const lines: string[] = [];
  const wrong: string[] = [];
  for (const hook of new Set([...chains.map((chain) => chain.hook), ...observed.keys()])) {
    if (hook.startsWith(prefix)) continue;
    const wanted = chains.filter((chain) => chain.hook === hook).map((chain) => chain.name);
    const rules = observed.get(hook) ?? [];
    const ours = rules.filter((rule) => rule.split(" ").some((word, i, words) => isJump(words[i - 1], word)));
    const right = ours.length === wanted.length && wanted.every((name, index) => rules[index] === `-j ${name}`);
    if (right) continue;
    wrong.push(hook);
    lines.push(
      ...ours.map((rule) => `-D ${hook} ${rule}`),
      ...wanted.map((name, index) => `-I ${hook} ${index + 1} -j ${name}`),
    );
  }
  return { lines, hooks: wrong };
}

function isJump(option: string | undefined, target: string): boolean {
  return (option === "-j" || option === "-g") && target.startsWith(prefix);
}

/** The text for `iptables-restore --noflush`. */
export function renderFirewall(changes: readonly TableChange[]): string {
  return changes.map(({ table, lines }) => `*${table}\n${lines.join("\n")}\nCOMMIT\n`).join("");
}

function label(chain: Chain): string {
  return `-m comment --comment "pgw ${fingerprint(chain.rules.join("\n"))}"`;
}

/** FNV-1a, 64 bits, in hexadecimal (draft-eastlake-fnv, section 2). */
function fingerprint(text: string): string {
  const hash = new TextEncoder().encode(text).reduce(
    (hash, byte) => BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n),
    0xcbf29ce484222325n,
  );
  return hash.toString(16).padStart(16, "0");
}
