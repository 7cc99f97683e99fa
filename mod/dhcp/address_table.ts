/** Every address of a network by its number: in which list it is, and whose it is or was. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { broadcastAddress, networkAddress, type Prefix4 } from "../addr/prefix.ts";
import { type AddressRange, defaultRange } from "./address_range.ts";
import { Bindings, type LeaseEntry, type LeaseState } from "./binding.ts";
import { IndexLists } from "./index_lists.ts";
import type { LeaseRecord } from "./lease_record.ts";
import { listCount, lists, stateOfList } from "./pool_lists.ts";
import { isOfClientId, type Requester } from "./requester.ts";

export type AddressTableConfig = {
  readonly network: Prefix4;
  /** The first and last address that any client may get. Default: see {@link defaultRange}. */
  readonly range?: AddressRange;
  /** Never given: the server's own and the router's. */
  readonly excluded: readonly Ipv4[];
};

/** Keeps lists, bindings and clients in agreement. {@link LeasePool} decides who gets what. */
export class AddressTable {
  /** The network's own address. */
  readonly base: Ipv4;
  readonly size: number;
  /** The first and last that may be given to anyone. */
  readonly first: number;
  readonly last: number;
  readonly excluded: ReadonlySet<number>;
  readonly lists: IndexLists;
  readonly bindings: Bindings;
  /** What each client has or had. */
  readonly clients = new Map<string, number>();
  /** What is offered to clients whose lease is on another address, which goes on until they have taken the offer. */
  readonly moves = new Map<string, number>();
  #reserved: ReadonlySet<number> = new Set();

  constructor(config: AddressTableConfig) {
    const { network, range = defaultRange(network) } = config;
    this.base = networkAddress(network);
    this.size = broadcastAddress(network) - this.base + 1;
    // The network's own address and its broadcast are no host's.
    this.first = Math.max(1, range.first - this.base);
    this.last = Math.min(this.size - 2, range.last - this.base);
    this.excluded = new Set(config.excluded.map((address) => address - this.base));
    this.bindings = new Bindings(this.size);
    this.lists = new IndexLists(this.size, listCount);
    for (let index = this.first; index <= this.last; index++) this.#makeFree(index);
  }

  /** How many addresses are in each state, and `free`. */
  counts(): Record<LeaseState | "free", number> {
    const length = (list: number) => this.lists.length(list);
    return {
      free: length(lists.free),
      offered: length(lists.offered),
      bound: length(lists.bound) + length(lists.restored),
      expired: length(lists.expired) + length(lists.lingering),
      released: length(lists.released),
      declined: length(lists.setAside) + length(lists.declined),
    };
  }

  /** How many addresses are or were leased, or are set aside. */
  get recordCount(): number {
    let count = 0;
    for (let list = 0; list < listCount; list++) {
      if (list !== lists.free && list !== lists.offered) count += this.lists.length(list);
    }
    return count;
  }

  /** From now on `addresses` are only for whom they are reserved. Leases on them are not renewed. */
  reserve(addresses: Iterable<Ipv4>): void {
    const before = this.#reserved;
    this.#reserved = new Set(Array.from(addresses, (address) => address - this.base));
    for (const index of this.#reserved) {
      if (this.lists.listOf(index) === lists.free) this.lists.remove(index);
    }
    for (const index of before) {
      if (this.isDynamic(index) && this.lists.listOf(index) === undefined) this.lists.append(lists.free, index);
    }
  }

  /** All addresses that are or were somebody's, in their order. */
  *entries(): Generator<LeaseEntry> {
    for (let index = 0; index < this.size; index++) {
      const state = this.stateOf(index);
      if (state !== undefined) yield this.record(index, state);
    }
  }

  /** In the range, and neither reserved nor the server's own. */
  isDynamic(index: number): boolean {
    return index >= this.first && index <= this.last && !this.excluded.has(index) && !this.#reserved.has(index);
  }

  /** May be given to anyone, or to whom it is reserved for. */
  isServed(index: number): boolean {
    return this.isDynamic(index) || (this.#reserved.has(index) && !this.excluded.has(index));
  }

  /** What is said of it to others; `undefined`: it is nobody's. */
  stateOf(index: number): LeaseState | undefined {
    const list = this.lists.listOf(index);
    return list === undefined ? undefined : stateOfList[list];
  }

  /** Whether a client may have it, for which it is reserved or not. */
  isUsable(index: number, isReservedForClient: boolean): boolean {
    return this.isDynamic(index) || (isReservedForClient && !this.excluded.has(index));
  }

  indexOf(address: Ipv4): number {
    return address - this.base;
  }

  addressAt(index: number): Ipv4 {
    return this.base + index;
  }

  /** Takes back what was offered to a client with a lease, unless it is `except`. */
  withdrawMove(key: string, except?: number): void {
    const index = this.moves.get(key);
    if (index !== undefined && index !== except) this.forget(index);
  }

  /** The client moves to `index`: whatever it had elsewhere is free. */
  leave(key: string, index: number): LeaseRecord | undefined {
    const former = this.clients.get(key);
    if (former === undefined || former === index) return undefined;
    const wasLeased = this.bindings.wasLeased(former);
    const record = this.record(former, "released");
    this.forget(former);
    return wasLeased ? record : undefined;
  }

  /** The client has or is offered it, as `list` says. */
  assign(list: number, index: number, client: Requester, until: number, leased: boolean): void {
    const { key } = client;
    if (this.bindings.key(index) !== key) {
      this.#disown(index);
      if (this.moves.get(key) !== index) this.clients.set(key, index);
    }
    this.bindings.set(index, client, until, leased);
    this.lists.append(list, index);
  }

  /** A stranger uses it: whoever had it has it no more. @param chaddr empty when nobody was seen */
  setAside(index: number, chaddr: Uint8Array, until: number): void {
    this.#disown(index);
    this.bindings.setStranger(index, chaddr, until);
    this.lists.append(chaddr.length > 0 ? lists.setAside : lists.declined, index);
  }

  /** It is nobody's, and as if it never had been. */
  forget(index: number): void {
    this.#disown(index);
    this.bindings.clear(index);
    this.lists.remove(index);
    this.#makeFree(index);
  }

  #disown(index: number): void {
    const key = this.bindings.key(index);
    if (key === undefined) return;
    if (this.moves.get(key) === index) this.moves.delete(key);
    else this.clients.delete(key);
  }

  #makeFree(index: number): void {
    if (this.isDynamic(index)) this.lists.append(lists.free, index);
  }

  /** What {@link record} tells of an address that was just leased, but in the client's own bytes, without a copy. */
  recordOf({ key, chaddr, clientId }: Requester, index: number, until: number): LeaseRecord {
    return {
      address: this.base + index,
      state: "bound",
      chaddr,
      clientId: isOfClientId(key) ? clientId : undefined,
      hostName: this.bindings.hostName(index),
      until,
    };
  }

  /** What is known of it. */
  record<State extends LeaseState>(index: number, state: State): Omit<LeaseRecord, "state"> & { state: State } {
    return this.bindings.describe(index, this.base + index, state);
  }
}
