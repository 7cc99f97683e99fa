/** The addresses that a DHCP server gives, and who has which. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { AddressTable, type AddressTableConfig } from "./address_table.ts";
import { AddressUse } from "./address_use.ts";
import type { LeaseEntry, LeaseState } from "./binding.ts";
import { type LeaseRecord, merge, replay } from "./lease_record.ts";
import { isLeased, lists } from "./pool_lists.ts";
import { preferredPlace } from "./preferred_places.ts";
import { clientKey, type Requester } from "./requester.ts";

export type PoolConfig = AddressTableConfig & {
  /** How long a lease lasts, in milliseconds. */
  readonly leaseDuration: number;
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
  readonly #table: AddressTable;
  readonly #use: AddressUse;
  readonly #leaseDuration: number;
  readonly #offerDuration: number;

  constructor(config: PoolConfig) {
    this.#table = new AddressTable(config);
    this.#use = new AddressUse(this.#table, config.setAsideDuration);
    this.#leaseDuration = config.leaseDuration;
    this.#offerDuration = config.offerDuration;
  }

  /** How many addresses are in each state, and `free`. */
  counts(): Record<LeaseState | "free", number> {
    return this.#table.counts();
  }

  /** From now on `addresses` are only for whom they are reserved. Leases on them are not renewed. */
  reserve(addresses: Iterable<Ipv4>): void {
    this.#table.reserve(addresses);
  }

  /** All addresses that are or were somebody's, in their order. */
  entries(): Iterable<LeaseEntry> {
    return this.#table.entries();
  }

  /** Everything worth keeping: what a journal must hold for {@link restore}. */
  *records(): Generator<LeaseRecord> {
    for (const entry of this.entries()) {
      const { state } = entry;
      if (state !== "offered") yield { ...entry, state: state === "expired" ? "bound" : state };
    }
  }

  /** How many {@link records} there are. */
  get recordCount(): number {
    return this.#table.recordCount;
  }

  /**
   * Puts back what a journal holds: at the start, and whenever another process may have written there. What is known
   * already stays, unless the journal has something that ends later. Records of addresses that are not here are left out.
   */
  restore(records: Iterable<LeaseRecord>, now: number): void {
    const isHere = ({ address }: LeaseRecord): boolean => {
      const index = this.#table.indexOf(address);
      return index >= 1 && index <= this.#table.size - 2 && !this.#table.excluded.has(index);
    };
    const written = replay(records, isHere);
    const known = new Set(this.records());
    for (const record of known.size === 0 ? written : merge(written, known)) {
      const { address, state, chaddr, clientId, hostName, until } = record;
      const index = this.#table.indexOf(address);
      const present = this.#table.lists.listOf(index);
      // All that is restored is put in line again, in the order of its ends.
      if (known.has(record) && present !== lists.restored) continue;
      const isOver = state === "released" || until <= now;
      if (isOver && present === lists.offered) continue;
      if (state !== "declined") {
        const list = state === "released" ? lists.released : isOver ? lists.expired : lists.restored;
        const key = clientKey(chaddr, clientId);
        if (key !== undefined) this.#give(list, { key, chaddr, hostName }, index, until);
      } else if (!isOver) {
        this.#use.restore(index, chaddr, until);
      }
    }
  }

  /** Ends what has come to its end. */
  sweep(now: number): void {
    this.#end(lists.bound, now, this.#leaseDuration);
    // Only all of it at once comes to it, in order, however far ahead it reaches.
    this.#end(lists.restored, now, Infinity);
    this.#end(lists.setAside, now, this.#use.duration);
    this.#end(lists.declined, now, this.#use.duration);
    this.#end(lists.offered, now, this.#offerDuration);
  }

  /** The address that is or was the client's, if it is still kept for it. */
  addressOf(key: string): { readonly address: Ipv4; readonly state: LeaseState } | undefined {
    const index = this.#table.clients.get(key);
    const state = index === undefined ? undefined : this.#table.stateOf(index);
    return index === undefined || state === undefined ? undefined : { address: this.#table.addressAt(index), state };
  }

  /** Whether the client was offered `address` although it has a lease on another. */
  isOffered(key: string, address: Ipv4): boolean {
    return this.#table.moves.get(key) === this.#table.indexOf(address);
  }

  /**
   * @param reserved the address that is reserved for the client
   * @param wasOffered the client says that it was offered the address
   */
  standing(client: Requester, address: Ipv4, reserved: Ipv4 | undefined, wasOffered = false): Standing {
    const index = this.#table.indexOf(address);
    if (!(index >= 0 && index < this.#table.size)) return "unavailable";
    const list = this.#table.lists.listOf(index);
    if (this.#table.bindings.key(index) === client.key) {
      return this.#usable(index, address === reserved, "own");
    }
    switch (list) {
      case lists.offered:
        // With nothing free, offers are made over again, to strangers of a flood among others: who comes first has it.
        return wasOffered && this.#table.lists.first(lists.free) === undefined
          ? this.#usable(index, address === reserved, "free")
          : "taken";
      case lists.bound:
      case lists.restored:
      case lists.lingering:
        // One machine has several identities, those of its firmware and of its system: what is reserved is for both. By a
        // relay anyone may have sent it.
        return address === reserved && !client.isRelayed && this.#table.bindings.isSameHardware(index, client.chaddr)
          ? this.#usable(index, true, "free")
          : "taken";
      case lists.declined:
        return "taken";
      case lists.setAside:
        // In use, but by the very client that asks for it: a gateway that lost its leases learns them so.
        return this.#table.bindings.isSameHardware(index, client.chaddr)
          ? this.#usable(index, address === reserved, "free")
          : "taken";
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
    const move = this.#table.moves.get(client.key);
    const offered = move === undefined ? undefined : this.#table.addressAt(move);
    const wishes = [reserved, isCurrent ? known.address : undefined, offered, requested, known?.address];
    const wish = wishes.find((address) => address !== undefined && this.isOpen(client, address, reserved));
    if (wish !== undefined) return wish;
    const index = this.#candidate(client) ?? this.#table.lists.first(lists.free) ?? this.#reclaimable();
    return index === undefined ? undefined : this.#table.addressAt(index);
  }

  /** Holds `address`, as {@link choose} gave it, for the client for a while. A lease that it has is left as it is. */
  offer(client: Requester, address: Ipv4, now: number): void {
    const index = this.#table.indexOf(address);
    const isOwn = this.#table.bindings.key(index) === client.key;
    const list = this.#table.lists.listOf(index);
    if (isOwn && isLeased(list)) return;
    this.#table.withdrawMove(client.key, index);
    const former = this.#table.clients.get(client.key);
    if (former !== undefined && former !== index && isLeased(this.#table.lists.listOf(former))) {
      this.#table.moves.set(client.key, index);
    } else {
      this.#table.leave(client.key, index);
    }
    this.#table.assign(
      lists.offered,
      index,
      client,
      now + this.#offerDuration,
      isOwn && this.#table.bindings.wasLeased(index),
    );
  }

  /**
   * Leases `address` to the client.
   *
   * @returns what must be written down before the client is told
   */
  bind(client: Requester, address: Ipv4, now: number): LeaseRecord[] {
    const index = this.#table.indexOf(address);
    const until = now + this.#leaseDuration;
    const left = this.#give(lists.bound, client, index, until);
    const bound = this.#table.recordOf(client, index, until);
    return left === undefined ? [bound] : [left, bound];
  }

  /** Takes back what was offered to the client: it chose another server. */
  withdrawOffer(key: string): void {
    const index = this.#table.clients.get(key);
    if (index !== undefined && this.#table.lists.listOf(index) === lists.offered) this.#withdraw(index);
    this.#table.withdrawMove(key);
  }

  /** The client gives `address` back. `undefined` when it has no lease on it. */
  release(key: string, address: Ipv4, now: number): LeaseRecord | undefined {
    const index = this.#table.indexOf(address);
    const list = this.#table.lists.listOf(index);
    if (this.#table.clients.get(key) !== index || !isLeased(list)) return undefined;
    this.#table.bindings.setUntil(index, now);
    this.#table.lists.append(lists.released, index);
    return this.#table.record(index, "released");
  }

  /** The client found `address` in use by somebody else. `undefined` when it had not been given to it. */
  decline(key: string, address: Ipv4, now: number): LeaseRecord | undefined {
    const index = this.#table.indexOf(address);
    const isIts = this.#table.clients.get(key) === index || this.#table.moves.get(key) === index;
    const state = isIts ? this.#table.stateOf(index) : undefined;
    return state === "offered" || state === "bound" ? this.#use.decline(index, now) : undefined;
  }

  /** See {@link AddressUse.observe}. */
  observe(address: Ipv4, chaddr: Uint8Array, now: number): LeaseRecord | undefined {
    return this.#use.observe(this.#table.indexOf(address), chaddr, now);
  }

  /** See {@link AddressUse.nextHolders}. */
  nextHolders(most: number): Uint8Array[] {
    return this.#use.nextHolders(most);
  }

  /** See {@link AddressUse.look}. */
  look(isSeen: (chaddr: Uint8Array, after: number) => boolean, now: number, most: number): LeaseRecord[] {
    return this.#use.look(isSeen, now, most);
  }

  /** The client has, or had, `index` and nothing else. @returns what it had before, if that was a lease */
  #give(list: number, client: Requester, index: number, until: number): LeaseRecord | undefined {
    this.#table.withdrawMove(client.key, index);
    const isMove = this.#table.moves.delete(client.key);
    const left = this.#table.leave(client.key, index);
    if (isMove) this.#table.clients.set(client.key, index);
    this.#table.assign(list, index, client, until, true);
    return left;
  }

  #usable(index: number, isReservedForClient: boolean, standing: "own" | "free"): Standing {
    return this.#table.isUsable(index, isReservedForClient) ? standing : "unavailable";
  }

  /** The first free one of the addresses that follow from the client's identity. */
  #candidate(client: Requester): number | undefined {
    const count = this.#table.last - this.#table.first + 1;
    if (count <= 0) return undefined;
    const place = preferredPlace(client, count, (place) => {
      const index = this.#table.first + place;
      const list = this.#table.lists.listOf(index);
      const isIts = list === lists.setAside && this.#table.bindings.isSameHardware(index, client.chaddr);
      return list === lists.free || isIts;
    });
    return place === undefined ? undefined : this.#table.first + place;
  }

  #reclaimable(): number | undefined {
    for (const list of [lists.expired, lists.released, lists.offered]) {
      let index = this.#table.lists.first(list);
      // What was reserved or put out of the range meanwhile is nobody's to take.
      while (index !== undefined && !this.#table.isDynamic(index)) {
        this.#table.forget(index);
        index = this.#table.lists.first(list);
      }
      if (index !== undefined) return index;
    }
    return undefined;
  }

  /** @param longest how far ahead what is in the list can end at most */
  #end(list: number, now: number, longest: number): void {
    for (;;) {
      const index = this.#table.lists.first(list);
      if (index === undefined) return;
      const until = this.#table.bindings.until(index);
      if (until > now + longest) {
        // The clock was ahead, and was set right: nothing behind it in the list would end before it.
        this.#table.bindings.setUntil(index, now + longest);
        this.#table.lists.append(list, index);
        continue;
      }
      if (until > now) return;
      if (list === lists.setAside || list === lists.declined) this.#table.forget(index);
      else if (list === lists.offered) this.#withdraw(index);
      else this.#table.lists.append(lists.expired, index);
    }
  }

  #withdraw(index: number): void {
    if (this.#table.bindings.wasLeased(index)) this.#table.lists.append(lists.expired, index);
    else this.#table.forget(index);
  }
}
