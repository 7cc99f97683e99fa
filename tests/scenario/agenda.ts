/** A virtual clock with things to do: a binary heap, the earliest first, those of one moment in the order of adding. */

type Entry = { readonly at: number; readonly order: number; readonly act: () => void };

export class Agenda {
  readonly #heap: Entry[] = [];
  #order = 0;
  now = 0;

  add(at: number, act: () => void): void {
    const heap = this.#heap;
    let index = heap.push({ at, order: this.#order++, act }) - 1;
    for (let parent = (index - 1) >> 1; index > 0 && isBefore(heap[index]!, heap[parent]!); parent = (index - 1) >> 1) {
      [heap[index], heap[parent]] = [heap[parent]!, heap[index]!];
      index = parent;
    }
  }

  /** Does what is due until `end`, or until `isOver` after any of it. */
  runUntil(end: number, isOver: () => boolean): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#removeFirst();
      this.now = Math.max(this.now, next.at);
      next.act();
      if (isOver()) return;
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let index = 0;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
      }
      if (least === index) return;
      [heap[index], heap[least]] = [heap[least]!, heap[index]!];
      index = least;
    }
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
