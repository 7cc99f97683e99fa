/** The clients that watch a gateway, as it knows them by their probes: who is there, and where an answer reaches it. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { movingIntervalMs } from "./watch.ts";

/** More clients than this are not told unasked; they learn it with their next probe. */
const mostWatchers = 65_536;
/** A client that was silent for so many of its intervals is no longer there, ... */
const silentIntervals = 3;
/** ... but not before so long: its interval is not known yet. */
const leastSilenceMs = 15_000;

/** Where a client asked from last, when, and the longest time between two of its questions. */
type Watcher = { port: number; heardAt: number; intervalMs: number };

/** Pure: `now` (milliseconds, of any clock that only goes forwards) is the only source of time. */
export class Watchers {
  readonly #all = new Map<Ipv4, Watcher>();
  #toldAt: number | undefined;

  /** How many there are, as far as is known. */
  get size(): number {
    return this.#all.size;
  }

  /** Addresses and UDP ports. */
  *[Symbol.iterator](): Generator<readonly [Ipv4, number]> {
    for (const [address, { port }] of this.#all) yield [address, port];
  }

  /** A question came from there. */
  hear(address: Ipv4, port: number, now: number): void {
    const watcher = this.#all.get(address);
    if (watcher === undefined) {
      if (this.#all.size < mostWatchers) this.#all.set(address, { port, heardAt: now, intervalMs: 0 });
      return;
    }
    watcher.intervalMs = Math.max(watcher.intervalMs, now - watcher.heardAt);
    watcher.port = port;
    watcher.heardAt = now;
  }

  /** The client with this address has left. */
  forget(address: Ipv4): void {
    this.#all.delete(address);
  }

  /** They are told to move, from now on: whoever is there asks every {@link movingIntervalMs} at least until it has. */
  tellToMove(now: number): void {
    if (this.#toldAt !== undefined) return;
    this.expire(now);
    this.#toldAt = now;
  }

  /** Forgets those that were silent for so long that they are not there any more; their addresses. */
  expire(now: number): Ipv4[] {
    const gone = [...this.#all].filter(([, watcher]) => now > this.#expectedBy(watcher)).map(([address]) => address);
    for (const address of gone) this.#all.delete(address);
    return gone;
  }

  #expectedBy({ heardAt, intervalMs }: Watcher): number {
    if (this.#toldAt !== undefined) return Math.max(heardAt, this.#toldAt) + silentIntervals * movingIntervalMs;
    return heardAt + Math.max(leastSilenceMs, silentIntervals * intervalMs);
  }
}
