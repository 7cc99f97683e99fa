/** The addresses that a DHCP server gives, and who has which. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { broadcastAddress, networkAddress, type Prefix4 } from "../addr/prefix.ts";
import { type AddressRange, defaultRange } from "./address_range.ts";
import {
  type Binding,
  describeBinding,
  isSameHardware,
  type LeaseEntry,
  type LeaseState,
  newBinding,
  strangersBinding,
} from "./binding.ts";
import { IndexLists } from "./index_lists.ts";
import { isLeased, listCount, lists, stateOfList } from "./pool_lists.ts";
import { type LeaseRecord, replay } from "./lease_record.ts";
import { preferredPlaces } from "./preferred_places.ts";
import { binaryString, clientKey, type Requester } from "./requester.ts";

export type PoolConfig = {
  readonly network: Prefix4;
  /** The first and last address that any client may get. Default: see {@link defaultRange}. */
  readonly range?: AddressRange;
  /** Never given: the server's own and the router's. */
  readonly excluded: readonly Ipv4[];
  /** How long an offer stands, in milliseconds. */
  readonly offerDuration: number;
  /** How long an address that somebody else uses is set aside before it is tried again, in milliseconds. */
  readonly setAsideDuration: number;
};

/**
 * Whose an address is in the eyes of a client: its own (offered, leased or formerly leased), free to take, somebody
 * else's, or not for it at all.
 */
export type Standing = "own" | "free" | "taken" | "unavailable";

/**
 * Addresses by their number in the network. Every operation takes the same time whatever the size of the pool: the
 * free, expired, released and offered addresses are linked lists.
 */
export class LeasePool {
  readonly #base: Ipv4;
  readonly #size: number;
  readonly #first: number;
  readonly #last: number;
  readonly #excluded: ReadonlySet<number>;
  readonly #offerDuration: number;
  readonly #setAsideDuration: number;
  readonly #lists: IndexLists;
  readonly #bindings: (Binding | undefined)[];
  readonly #clients = new Map<string, number>();
  /** What is offered to clients whose lease is on another address, which goes on until they have taken the offer. */
  readonly #moves = new Map<string, number>();
  #reserved: ReadonlySet<number> = new Set();

  constructor(config: PoolConfig) {
    const { network, range = defaultRange(network) } = config;
    this.#base = networkAddress(network);
    this.#size = broadcastAddress(network) - this.#base + 1;
    // The network's own address and its broadcast are no host's.
    this.#first = Math.max(1, range.first - this.#base);
    this.#last = Math.min(this.#size - 2, range.last - this.#base);
    this.#excluded = new Set(config.excluded.map((address) => address - this.#base));
    this.#offerDuration = config.offerDuration;
    this.#setAsideDuration = config.setAsideDuration;
    // Filled: an array that grows by being written to in any order becomes a hash table, ten times slower.
    this.#bindings = new Array<Binding | undefined>(this.#size).fill(undefined);
    this.#lists = new IndexLists(this.#size, listCount);
    for (let index = this.#first; index <= this.#last; index++) this.#makeFree(index);
  }

  /** How many addresses are in each state, and `free`. */
  counts(): Record<LeaseState | "free", number> {
    const length = (list: number) => this.#lists.length(list);
    return {
      free: length(lists.free),
      offered: length(lists.offered),
      bound: length(lists.bound) + length(lists.restored),
      expired: length(lists.expired),
      released: length(lists.released),
      declined: length(lists.setAside),
    };
  }

  /** Puts back what a journal held, before anything else happens. Records of addresses that are not here are left out. */
  restore(records: Iterable<LeaseRecord>, now: number): void {
    const isHere = ({ address }: LeaseRecord): boolean => {
      const index = address - this.#base;
      return index >= 1 && index <= this.#size - 2 && !this.#excluded.has(index);
    };
    for (const { address, state, chaddr, clientId, hostName, until } of replay(records, isHere)) {
      const index = address - this.#base;
      if (state !== "declined") {
        const list = state === "released" ? lists.released : until <= now ? lists.expired : lists.restored;
        const key = clientKey(chaddr, clientId);
        if (key !== undefined) this.#put(list, index, newBinding({ key, chaddr, hostName }, until, true));
      } else if (until > now) {
        this.#put(lists.setAside, index, strangersBinding(chaddr, until));
      }
    }
  }

  /** From now on `addresses` are only for whom they are reserved. Leases on them are not renewed. */
  reserve(addresses: Iterable<Ipv4>): void {
    const before = this.#reserved;
    this.#reserved = new Set(Array.from(addresses, (address) => address - this.#base));
    for (const index of this.#reserved) {
      if (this.#lists.listOf(index) === lists.free) this.#lists.remove(index);
    }
    for (const index of before) {
      if (this.#isDynamic(index) && this.#lists.listOf(index) === undefined) this.#lists.append(lists.free, index);
    }
  }

  /** Ends what has come to its end. */
  sweep(now: number): void {
    this.#end(lists.bound, now, (index) => this.#lists.append(lists.expired, index));
    this.#end(lists.restored, now, (index) => this.#lists.append(lists.expired, index));
    this.#end(lists.setAside, now, (index) => this.#forget(index));
    this.#end(lists.offered, now, (index) => this.#withdraw(index));
  }

  /** The address that is or was the client's, if it is still kept for it. */
  addressOf(key: string): { readonly address: Ipv4; readonly state: LeaseState } | undefined {
    const index = this.#clients.get(key);
    const state = index === undefined ? undefined : this.#stateOf(index);
    return index === undefined || state === undefined ? undefined : { address: this.#base + index, state };
  }

  /** Whether the client was offered `address` although it has a lease on another. */
  isOffered(key: string, address: Ipv4): boolean {
    return this.#moves.get(key) === address - this.#base;
  }

  /** @param reserved the address that is reserved for the client */
  standing(client: Requester, address: Ipv4, reserved: Ipv4 | undefined): Standing {
    const index = address - this.#base;
    if (!(index >= 0 && index < this.#size)) return "unavailable";
    const list = this.#lists.listOf(index);
    const binding = this.#bindings[index];
    if (binding !== undefined && binding.key === client.key) {
      return this.#usable(index, address === reserved, "own");
    }
    switch (list) {
      case lists.offered:
      case lists.bound:
      case lists.restored:
        return "taken";
      case lists.setAside:
        // In use, but by the very client that asks for it: a gateway that lost its leases learns them so.
        return isSameHardware(binding!, client.chaddr) ? this.#usable(index, address === reserved, "free") : "taken";
      default:
        return this.#usable(index, address === reserved, "free");
    }
  }

  /** Whether the client may have `address`. */
  isOpen(client: Requester, address: Ipv4, reserved: Ipv4 | undefined): boolean {
    const standing = this.standing(client, address, reserved);
    return standing === "own" || standing === "free";
  }

  /**
   * The best address for a client: the one reserved for it; the one that it has; the one that it asks for, which it may
   * have had from another gateway; the one that it had here; one that follows from its identity, so that every gateway
   * that has it free gives the same; any free one. When none is free, what others had is taken: the longest expired,
   * the longest released, the oldest offer.
   */
  choose(client: Requester, requested: Ipv4 | undefined, reserved: Ipv4 | undefined): Ipv4 | undefined {
    const known = this.addressOf(client.key);
    const isCurrent = known?.state === "bound" || known?.state === "offered";
    const move = this.#moves.get(client.key);
    const offered = move === undefined ? undefined : this.#base + move;
    const wishes = [reserved, isCurrent ? known.address : undefined, offered, requested, known?.address];
    const wish = wishes.find((address) => address !== undefined && this.isOpen(client, address, reserved));
    if (wish !== undefined) return wish;
    const index = this.#candidate(client) ?? this.#lists.first(lists.free) ?? this.#reclaimable();
    return index === undefined ? undefined : this.#base + index;
  }

  /** Holds `address`, as {@link choose} gave it, for the client for a while. A lease that it has is left as it is. */
  offer(client: Requester, address: Ipv4, now: number): void {
    const index = address - this.#base;
    const own = this.#bindings[index]?.key === client.key ? this.#bindings[index] : undefined;
    const list = this.#lists.listOf(index);
    if (own !== undefined && isLeased(list)) return;
    this.#withdrawMove(client.key, index);
    const former = this.#clients.get(client.key);
    if (former !== undefined && former !== index && isLeased(this.#lists.listOf(former))) {
      this.#moves.set(client.key, index);
    } else {
      this.#leave(client.key, index);
    }
    this.#assign(lists.offered, index, client, now + this.#offerDuration, own?.leased ?? false);
  }

  /**
   * Leases `address` to the client.
   *
   * @returns what must be written down before the client is told
   */
  bind(client: Requester, address: Ipv4, until: number): LeaseRecord[] {
    const index = address - this.#base;
    this.#withdrawMove(client.key, index);
    const isMove = this.#moves.delete(client.key);
    const left = this.#leave(client.key, index);
    if (isMove) this.#clients.set(client.key, index);
    this.#assign(lists.bound, index, client, until, true);
    const bound = this.#record(index, "bound");
    return left === undefined ? [bound] : [left, bound];
  }

  /** Takes back what was offered to the client: it chose another server. */
  withdrawOffer(key: string): void {
    const index = this.#clients.get(key);
    if (index !== undefined && this.#lists.listOf(index) === lists.offered) this.#withdraw(index);
    this.#withdrawMove(key);
  }

  /** The client gives `address` back. `undefined` when it has no lease on it. */
  release(key: string, address: Ipv4, now: number): LeaseRecord | undefined {
    const index = address - this.#base;
    const list = this.#lists.listOf(index);
    if (this.#clients.get(key) !== index || !isLeased(list)) return undefined;
    this.#bindings[index]!.until = now;
    this.#lists.append(lists.released, index);
    return this.#record(index, "released");
  }

  /** The client found `address` in use by somebody else. `undefined` when it had not been given to it. */
  decline(key: string, address: Ipv4, now: number): LeaseRecord | undefined {
    const index = address - this.#base;
    const isIts = this.#clients.get(key) === index || this.#moves.get(key) === index;
    const state = isIts ? this.#stateOf(index) : undefined;
    if (state !== "offered" && state !== "bound") return undefined;
    return this.#setAside(index, new Uint8Array(0), now);
  }

  /**
   * `chaddr` was seen to use `address` (ARP, FDB). If that is nobody's, it is set aside.
   *
   * @returns the record to write down, if anything changed
   */
  observe(address: Ipv4, chaddr: Uint8Array, now: number): LeaseRecord | undefined {
    const index = address - this.#base;
    if (!this.#isDynamic(index)) return undefined;
    const state = this.#stateOf(index);
    if (state === "offered" || state === "bound" || state === "declined") return undefined;
    if (state !== undefined && isSameHardware(this.#bindings[index]!, chaddr)) return undefined;
    return this.#setAside(index, chaddr, now);
  }

  /** Everything worth keeping: what a journal must hold for {@link restore}. */
  *records(): Generator<LeaseRecord> {
    for (const entry of this.entries()) {
      const { state } = entry;
      if (state !== "offered") yield { ...entry, state: state === "expired" ? "bound" : state };
    }
  }

  /** All addresses that are or were somebody's, in their order. */
  *entries(): Generator<LeaseEntry> {
    for (let index = 0; index < this.#size; index++) {
      const state = this.#stateOf(index);
      if (state !== undefined) yield this.#record(index, state);
    }
  }

  /** In the range, and neither reserved nor the server's own. */
  #isDynamic(index: number): boolean {
    return index >= this.#first && index <= this.#last && !this.#excluded.has(index) && !this.#reserved.has(index);
  }

  #usable(index: number, isReservedForClient: boolean, standing: Standing): Standing {
    const usable = this.#isDynamic(index) || (isReservedForClient && !this.#excluded.has(index));
    return usable ? standing : "unavailable";
  }

  #stateOf(index: number): LeaseState | undefined {
    const list = this.#lists.listOf(index);
    return list === undefined ? undefined : stateOfList[list];
  }

  /** The first free one of the addresses that follow from the client's identity. */
  #candidate(client: Requester): number | undefined {
    const count = this.#last - this.#first + 1;
    if (count <= 0) return undefined;
    for (const place of preferredPlaces(client, count)) {
      if (this.#lists.listOf(this.#first + place) === lists.free) return this.#first + place;
    }
    return undefined;
  }

  #reclaimable(): number | undefined {
    for (const list of [lists.expired, lists.released, lists.offered]) {
      let index = this.#lists.first(list);
      // What was reserved or put out of the range meanwhile is nobody's to take.
      while (index !== undefined && !this.#isDynamic(index)) {
        this.#forget(index);
        index = this.#lists.first(list);
      }
      if (index !== undefined) return index;
    }
    return undefined;
  }

  #end(list: number, now: number, action: (index: number) => void): void {
    for (;;) {
      const index = this.#lists.first(list);
      if (index === undefined || this.#bindings[index]!.until > now) return;
      action(index);
    }
  }

  #withdraw(index: number): void {
    if (this.#bindings[index]!.leased) this.#lists.append(lists.expired, index);
    else this.#forget(index);
  }

  /** The client moves to `index`: whatever it had elsewhere is free. */
  #leave(key: string, index: number): LeaseRecord | undefined {
    const former = this.#clients.get(key);
    if (former === undefined || former === index) return undefined;
    const wasLeased = this.#bindings[former]!.leased;
    const record = this.#record(former, "released");
    this.#forget(former);
    return wasLeased ? record : undefined;
  }

  #assign(list: number, index: number, client: Requester, until: number, leased: boolean): void {
    const { key, chaddr, hostName } = client;
    const own = this.#bindings[index];
    if (own !== undefined && own.key === key) {
      // The usual case, a renewal: nothing but the time changes, and nothing new is left to the garbage collector.
      own.until = until;
      own.leased = leased;
      if (hostName !== undefined) own.hostName = hostName;
      if (!isSameHardware(own, chaddr)) own.chaddr = binaryString(chaddr);
      this.#lists.append(list, index);
      return;
    }
    this.#put(list, index, newBinding(client, until, leased));
  }

  #setAside(index: number, chaddr: Uint8Array, now: number): LeaseRecord {
    this.#put(lists.setAside, index, strangersBinding(chaddr, now + this.#setAsideDuration));
    return this.#record(index, "declined");
  }

  /** Takes back what was offered to a client with a lease, unless it is `except`. */
  #withdrawMove(key: string, except?: number): void {
    const index = this.#moves.get(key);
    if (index !== undefined && index !== except) this.#forget(index);
  }

  #put(list: number, index: number, binding: Binding): void {
    const { key } = binding;
    if (this.#bindings[index]?.key !== key) this.#disown(index);
    if (key !== undefined && this.#moves.get(key) !== index) this.#clients.set(key, index);
    this.#bindings[index] = binding;
    this.#lists.append(list, index);
  }

  #forget(index: number): void {
    this.#disown(index);
    this.#bindings[index] = undefined;
    this.#lists.remove(index);
    this.#makeFree(index);
  }

  #disown(index: number): void {
    const key = this.#bindings[index]?.key;
    if (key === undefined) return;
    if (this.#moves.get(key) === index) this.#moves.delete(key);
    else this.#clients.delete(key);
  }

  #makeFree(index: number): void {
    if (this.#isDynamic(index)) this.#lists.append(lists.free, index);
  }

  #record<State extends LeaseState>(index: number, state: State): Omit<LeaseRecord, "state"> & { state: State } {
    return describeBinding(this.#bindings[index]!, this.#base + index, state);
  }
}
