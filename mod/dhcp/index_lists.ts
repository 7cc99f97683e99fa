/** Linked lists of small numbers in flat arrays: every operation costs the same however many there are. */

const none = -1;

/** Doubly linked lists of the numbers 0 to `size` - 1. A number is in one list at most; lists have numbers too. */
export class IndexLists {
  /** Behind the numbers' own places, each list has one that closes its ring. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #listOf: Int8Array;
  readonly #lengths: Int32Array;

  constructor(readonly size: number, listCount: number) {
    this.#next = new Int32Array(size + listCount).fill(none);
    this.#previous = new Int32Array(size + listCount).fill(none);
    for (let ring = size; ring < size + listCount; ring++) this.#next[ring] = this.#previous[ring] = ring;
    this.#listOf = new Int8Array(size).fill(none);
    this.#lengths = new Int32Array(listCount);
  }

  /** The number that was appended to `list` first. */
  first(list: number): number | undefined {
    const index = this.#next[this.size + list]!;
    return index < this.size ? index : undefined;
  }

  /** The first `count` numbers of `list`, or all. */
  take(list: number, count: number): number[] {
    const taken: number[] = [];
    const ring = this.size + list;
    for (let index = this.#next[ring]!; index !== ring && taken.length < count; index = this.#next[index]!) {
      taken.push(index);
    }
    return taken;
  }

  /** The list that `index` is in. */
  listOf(index: number): number | undefined {
    const list = this.#listOf[index]!;
    return list === none ? undefined : list;
  }

  length(list: number): number {
    return this.#lengths[list]!;
  }

  /** Puts `index` at the end of `list`, out of the list that it was in. */
  append(list: number, index: number): void {
    this.remove(index);
    const ring = this.size + list;
    const last = this.#previous[ring]!;
    this.#next[last] = index;
    this.#previous[index] = last;
    this.#next[index] = ring;
    this.#previous[ring] = index;
    this.#listOf[index] = list;
    this.#lengths[list]!++;
  }

  remove(index: number): void {
    const list = this.#listOf[index]!;
    if (list === none) return;
    const next = this.#next[index]!;
    const previous = this.#previous[index]!;
    this.#next[previous] = next;
    this.#previous[next] = previous;
    this.#listOf[index] = none;
    this.#lengths[list]!--;
  }
}
