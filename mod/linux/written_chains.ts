/** Tells a chain of ours from one in which somebody replaced a rule (`iptables -R`). Pure. */

import type { Chain } from "../netstate/state.ts";

/** How a chain of certain rules was printed when it was found wanting. `isRight`: and again after it was written anew. */
type Print = { readonly rules: string; readonly print: string; readonly isRight: boolean };

/**
 * iptables prints a rule in words of its own. Those of the versions that were tried are what {@link asPrinted} says. Where
 * another prints other words, each chain is written once more for nothing: what is printed the same after that is right.
 * One instance for each family.
 */
export class WrittenChains {
  readonly #prints = new Map<string, Print>();

  /**
   * Whether the kernel holds the chain as it was asked for. If not it must be written anew.
   *
   * @param printed the chain's rules, as iptables prints them
   */
  holds(chain: Chain, printed: readonly string[]): boolean {
    const print = printed.join("\n");
    if (print === chain.rules.map(asPrinted).join("\n")) return true;
    const key = `${chain.table} ${chain.name}`;
    const rules = chain.rules.join("\n");
    const before = this.#prints.get(key);
    const isSame = before?.rules === rules && before.print === print;
    if (before?.rules === rules && before.isRight) return isSame;
    this.#prints.set(key, { rules, print, isRight: isSame });
    return isSame;
  }
}

/** How iptables prints one of our rules: addresses before interfaces, and long for short forms. */
export function asPrinted(rule: string): string {
  const heads = ["-s", "-d", "-i", "-o"];
  const found = new Map<string, string>();
  let rest = rule;
  for (;;) {
    const [whole, not = "", option, value] = /^(! )?(-[sdio]) (\S+) ?/.exec(rest) ?? [];
    if (whole === undefined || option === undefined) break;
    found.set(option, `${not}${option} ${value}`);
    rest = rest.slice(whole.length);
  }
  const words = [...heads.flatMap((option) => found.get(option) ?? []), rest].join(" ");
  return words
    .replace(/ --set-mark (0x[0-9a-f]+)$/, " --set-xmark $1/0xffffffff")
    .replace("-p tcp --syn", "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN");
}
