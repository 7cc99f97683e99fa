/** The lists of a pool, and what being in one of them means. */

import type { LeaseState } from "./binding.ts";

/** The lists that addresses are in. What is in none cannot be given to just anyone (reserved, or outside the range). */
export const lists = {
  /** Nobody's. The longest unused first. */
  free: 0,
  /** Offered, until `until`. */
  offered: 1,
  /** Leased, until `until`. All got the same duration, so the list is in the order of their ends. */
  bound: 2,
  /** Leased, read from the journal; in the order of their ends too, which need not suit those of {@link lists.bound}. */
  restored: 3,
  /** The lease ended; kept for its client until somebody needs it. */
  expired: 4,
  /** Given back; kept likewise, but needed by nobody sooner than an expired one. */
  released: 5,
  /** In use by a stranger who was seen, until `until`. */
  setAside: 6,
  /** The lease ended, and yet its client is still seen: nobody else gets it until that is over. */
  lingering: 7,
  /** In use by somebody, as its client says, until `until`. */
  declined: 8,
} as const;
export const listCount = Object.keys(lists).length;

/** What the list that an address is in says of it. */
export const stateOfList: readonly (LeaseState | undefined)[] = [
  undefined,
  "offered",
  "bound",
  "bound",
  "expired",
  "released",
  "declined",
  "expired",
  "declined",
];

/** Whether an address that is in `list` is leased. */
export function isLeased(list: number | undefined): boolean {
  return list === lists.bound || list === lists.restored;
}
