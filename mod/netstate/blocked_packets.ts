/**
 * How many packets our rules turned away. The kernel counts for each rule, and forgets when a chain is replaced; so what
 * it says is added up here each time that the firewall is looked at, which is also before each change of it. Pure.
 */

export type Blocked = { packets: number; bytes: number };
/** By what became of a packet and where it was going. */
export type BlockedKey = `${"reject" | "drop"} ${"out" | "in" | "forwarded"}`;

const directions = {
  "PGW-OUTPUT": "out",
  "PGW-INPUT": "in",
  "PGW-FORWARD": "forwarded",
} as const;

type Counted = { readonly key: BlockedKey; readonly packets: number; readonly bytes: number };

export class BlockedPackets {
  readonly #totals = new Map<BlockedKey, Blocked>();
  /** Of each rule, by its family, table, chain with the fingerprint of its rules, and number. */
  #seen: Readonly<Record<4 | 6, ReadonlyMap<string, Counted>>> = { 4: new Map(), 6: new Map() };

  get totals(): ReadonlyMap<BlockedKey, Blocked> {
    return this.#totals;
  }

  /** Takes a list of all rules, as `iptables -S -v` prints them. */
  listed(family: 4 | 6, output: string): void {
    const before = this.#seen[family];
    const seen = readCounters(output);
    for (const [rule, { key, packets, bytes }] of seen) {
      const last = before.get(rule);
      const total = this.#totals.get(key) ?? { packets: 0, bytes: 0 };
      // Fewer than before: the chain was replaced by its like.
      const isSame = last !== undefined && last.packets <= packets && last.bytes <= bytes;
      total.packets += packets - (isSame ? last.packets : 0);
      total.bytes += bytes - (isSame ? last.bytes : 0);
      this.#totals.set(key, total);
    }
    this.#seen = { ...this.#seen, [family]: seen };
  }
}

function readCounters(output: string): Map<string, Counted> {
  const counted = new Map<string, Counted>();
  let chain = "";
  let rules: (Counted | undefined)[] = [];
  for (const line of output.split("\n")) {
    const [, name, rule] = /^-A (PGW-\S+) (.*)$/.exec(line) ?? [];
    if (name === undefined || rule === undefined) continue;
    if (name !== chain) rules = [];
    chain = name;
    rules.push(turnedAway(name, rule));
    const [, fingerprint] = / --comment "pgw ([0-9a-f]+)"/.exec(rule) ?? [];
    if (fingerprint === undefined) continue;
    // The last rule of a chain.
    rules.forEach((found, index) => found && counted.set(`${name} ${fingerprint} ${index}`, found));
    chain = "";
  }
  return counted;
}

function turnedAway(chain: string, rule: string): Counted | undefined {
  const direction = directions[chain as keyof typeof directions];
  const [, packets, bytes, verdict] = / ?-c (\d+) (\d+) -j (REJECT|DROP)\b/.exec(rule) ?? [];
  if (direction === undefined || verdict === undefined) return undefined;
  const key = `${verdict === "REJECT" ? "reject" : "drop"} ${direction}` as const;
  return { key, packets: Number(packets), bytes: Number(bytes) };
}
