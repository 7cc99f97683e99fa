/** Addresses that somebody uses without a lease: they are set aside for a while, and nobody is given them. */

import type { AddressTable } from "./address_table.ts";
import type { LeaseRecord } from "./lease_record.ts";
import { isLeased, lists } from "./pool_lists.ts";

/**
 * Who uses an address is seen, or said by the client that was given it. Both can be false, so that each takes a quarter of the
 * addresses from the others at most.
 */
export class AddressUse {
  /** @param duration for how long, in milliseconds */
  constructor(readonly table: AddressTable, readonly duration: number) {}

  /** Puts back what a journal held. */
  restore(index: number, chaddr: Uint8Array, until: number): void {
    this.table.setAside(index, chaddr, until);
    this.#boundDeclined();
  }

  /** The client that was given it found it in use. */
  decline(index: number, now: number): LeaseRecord {
    const record = this.#setAside(index, new Uint8Array(0), now);
    this.#boundDeclined();
    return record;
  }

  /**
   * `chaddr` was seen to use the address. If that is nobody's, it is set aside.
   *
   * @returns the record to write down, if anything changed
   */
  observe(index: number, chaddr: Uint8Array, now: number): LeaseRecord | undefined {
    if (!this.table.isServed(index)) return undefined;
    const list = this.table.lists.listOf(index);
    if (list === lists.offered || isLeased(list)) return undefined;
    const isSame = this.table.bindings.isSameHardware(index, chaddr);
    if (list === lists.setAside) return isSame ? this.#setAside(index, chaddr, now) : undefined;
    if (isSame) {
      this.table.lists.append(lists.lingering, index);
      return undefined;
    }
    return this.table.lists.length(lists.setAside) < this.#most ? this.#setAside(index, chaddr, now) : undefined;
  }

  /** Whom {@link look} is about. */
  nextHolders(most: number): Uint8Array[] {
    const indexes = [lists.lingering, lists.expired, lists.released, lists.setAside]
      .flatMap((list) => this.table.lists.take(list, most));
    return indexes.map((index) => this.table.bindings.chaddr(index)).filter(({ length }) => length > 0);
  }

  /**
   * Looks whether those addresses are in use that would be given next, `most` of each kind: what formerly was somebody's,
   * and what was set aside for a time that is about to end. Asked ahead of time, it costs no client any.
   *
   * @param isSeen whether a hardware address was seen after a time
   * @returns the records to write down
   */
  look(isSeen: (chaddr: Uint8Array, after: number) => boolean, now: number, most: number): LeaseRecord[] {
    const { bindings, lists: all } = this.table;
    const half = this.duration / 2;
    const isHolderSeen = (index: number) => {
      const chaddr = bindings.chaddr(index);
      // Since the lease ended, and of late: who was seen once is not there for ever.
      return chaddr.length > 0 && isSeen(chaddr, Math.max(Math.min(bindings.until(index), now), now - half));
    };
    for (const index of all.take(lists.lingering, most)) {
      all.append(isHolderSeen(index) ? lists.lingering : lists.expired, index);
    }
    for (const index of [...all.take(lists.expired, most), ...all.take(lists.released, most)]) {
      if (isHolderSeen(index)) all.append(lists.lingering, index);
    }
    return all.take(lists.setAside, most).filter((index) =>
      bindings.until(index) < now + half && isSeen(bindings.chaddr(index), now - half)
    ).map((index) => this.#setAside(index, bindings.chaddr(index), now));
  }

  get #most(): number {
    return Math.max(1, (this.table.last - this.table.first + 1) >> 2);
  }

  /** Of too many, the first is tried again. */
  #boundDeclined(): void {
    const first = this.table.lists.first(lists.declined);
    if (first !== undefined && this.table.lists.length(lists.declined) > this.#most) this.table.forget(first);
  }

  #setAside(index: number, chaddr: Uint8Array, now: number): LeaseRecord {
    this.table.setAside(index, chaddr, now + this.duration);
    return this.table.record(index, "declined");
  }
}
