/** What the kernel was seen to hold last, the firewall apart. */

import type { Observed } from "../netstate/diff.ts";

/**
 * A look costs a millisecond, and each change ends with one: for a moment, what it showed is good enough to change from. If
 * it was not, the look after the change shows that.
 */
export class NetworkLook {
  #seen: { readonly observed: Observed; readonly at: number } | undefined;

  /** @param freshMs how long it is good enough */
  constructor(readonly freshMs = 1_000) {}

  last(): Observed | undefined {
    return this.#seen !== undefined && performance.now() - this.#seen.at < this.freshMs
      ? this.#seen.observed
      : undefined;
  }

  saw(observed: Observed): void {
    this.#seen = { observed, at: performance.now() };
  }

  /** When something is changed, by whom ever. */
  forget(): void {
    this.#seen = undefined;
  }
}
