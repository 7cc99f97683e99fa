/** What is known of each address that is or was somebody's, as small as can be: there may be 65,000 of them. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { chaddrLength } from "../wire/dhcpv4.ts";
import type { LeaseRecord } from "./lease_record.ts";
import { clientIdOf, type Requester } from "./requester.ts";

export type LeaseState = "offered" | "bound" | "expired" | "released" | "declined";

/** One address that is or was somebody's. */
export type LeaseEntry = Omit<LeaseRecord, "state"> & { readonly state: LeaseState };

/**
 * By the number of an address, in columns. Objects would be copied, and looked through again and again, by the garbage
 * collector, and while thousands of clients come it would keep them waiting.
 */
export class Bindings {
  /** Of the clients, as they identify themselves; `undefined`: it is nobody's, or a stranger's. */
  readonly #keys: (string | undefined)[];
  readonly #hostNames: (string | undefined)[];
  readonly #chaddrs: Uint8Array;
  readonly #chaddrLengths: Uint8Array;
  readonly #untils: Float64Array;
  readonly #leased: Uint8Array;

  constructor(size: number) {
    // Filled: an array that grows by being written to in any order becomes a hash table, ten times slower.
    this.#keys = new Array<string | undefined>(size).fill(undefined);
    this.#hostNames = new Array<string | undefined>(size).fill(undefined);
    this.#chaddrs = new Uint8Array(size * chaddrLength);
    this.#chaddrLengths = new Uint8Array(size);
    this.#untils = new Float64Array(size);
    this.#leased = new Uint8Array(size);
  }

  /** Of the client that has it, had it or is offered it. */
  key(index: number): string | undefined {
    return this.#keys[index];
  }

  hostName(index: number): string | undefined {
    return this.#hostNames[index];
  }

  /** A copy. Empty when it is not known. */
  chaddr(index: number): Uint8Array {
    const start = index * chaddrLength;
    return this.#chaddrs.slice(start, start + this.#chaddrLengths[index]!);
  }

  /** When the lease or offer ends, ended, or the address is tried again: milliseconds since 1970. */
  until(index: number): number {
    return this.#untils[index]!;
  }

  /** Whether the client ever had a lease on it, which is worth remembering; an offer alone is not. */
  wasLeased(index: number): boolean {
    return this.#leased[index] === 1;
  }

  isSameHardware(index: number, other: Uint8Array): boolean {
    const length = this.#chaddrLengths[index]!;
    if (length !== other.length || length === 0) return false;
    const start = index * chaddrLength;
    for (let at = 0; at < length; at++) {
      if (this.#chaddrs[start + at] !== other[at]) return false;
    }
    return true;
  }

  /** It is the client's. Who says no host name keeps the one it said before. */
  set(index: number, { key, chaddr, hostName }: Requester, until: number, leased: boolean): void {
    // The usual case is a renewal, which must leave nothing new to the garbage collector.
    const isAnother = this.#keys[index] !== key;
    if (isAnother) this.#keys[index] = key;
    const saysAnother = hostName !== undefined && hostName !== this.#hostNames[index];
    if (isAnother || saysAnother) this.#hostNames[index] = hostName;
    this.#setRest(index, chaddr, until, leased);
  }

  /** A stranger uses it. */
  setStranger(index: number, chaddr: Uint8Array, until: number): void {
    this.clear(index);
    this.#setRest(index, chaddr, until, false);
  }

  setUntil(index: number, until: number): void {
    this.#untils[index] = until;
  }

  clear(index: number): void {
    this.#keys[index] = this.#hostNames[index] = undefined;
    this.#chaddrLengths[index] = this.#untils[index] = this.#leased[index] = 0;
  }

  /** What is known, for others. */
  describe<State extends LeaseState>(
    index: number,
    address: Ipv4,
    state: State,
  ): Omit<LeaseRecord, "state"> & { state: State } {
    const [key, hostName] = [this.#keys[index], this.#hostNames[index]];
    const clientId = key === undefined ? undefined : clientIdOf(key);
    return {
      address,
      state,
      chaddr: this.chaddr(index),
      ...(clientId === undefined ? {} : { clientId }),
      ...(hostName === undefined ? {} : { hostName }),
      until: this.#untils[index]!,
    };
  }

  #setRest(index: number, chaddr: Uint8Array, until: number, leased: boolean): void {
    this.#chaddrs.set(chaddr, index * chaddrLength);
    this.#chaddrLengths[index] = chaddr.length;
    this.#untils[index] = until;
    this.#leased[index] = leased ? 1 : 0;
  }
}
