/**
 * The questions that are on their way, found by what they ask.
 *
 * A table of fixed size with lists in its places, and not a `Map`: a `Map` whose entries come and go is copied again and
 * again, and each copy that V8 has once moved to its old generation keeps the next one alive, with all that was in it,
 * until the whole heap is collected. Under load that was most of what the heap grew by.
 */

import { asksTheSame, type Pending } from "./pending.ts";
import type { Key } from "./cache.ts";

const places = 1024;

export class PendingTable<Client> {
  readonly #first = Array.from<unknown, Pending<Client> | undefined>({ length: places }, () => undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The question that `query`, read into `key`, asks too. */
  find(query: Uint8Array, key: Key): Pending<Client> | undefined {
    let pending = this.#first[placeOf(key)];
    while (pending !== undefined && !asksTheSame(pending, query, key)) pending = pending.next;
    return pending;
  }

  has(wanted: Pending<Client>): boolean {
    let pending = this.#first[placeOf(wanted.key)];
    while (pending !== undefined && pending !== wanted) pending = pending.next;
    return pending !== undefined;
  }

  add(pending: Pending<Client>): void {
    const place = placeOf(pending.key);
    pending.next = this.#first[place];
    this.#first[place] = pending;
    this.#size++;
  }

  /** Takes out one that is there. */
  delete(pending: Pending<Client>): void {
    const place = placeOf(pending.key);
    let before = this.#first[place]!;
    if (before === pending) {
      this.#first[place] = pending.next;
    } else {
      while (before.next !== pending) before = before.next!;
      before.next = pending.next;
    }
    pending.next = undefined;
    this.#size--;
  }

  /** All that are there; the one that came last may be taken out, and others be added, which may come or not. */
  *[Symbol.iterator](): Generator<Pending<Client>> {
    for (const first of this.#first) {
      let pending = first;
      while (pending !== undefined) {
        const { next } = pending;
        yield pending;
        pending = next;
      }
    }
  }
}

function placeOf({ hash }: Key): number {
  return hash & (places - 1);
}
