/** The DHCP server: pure of input and output (RFC 2131 section 4.3; RFC 4039). */

import { formatIpv4, type Ipv4, unspecified } from "../addr/ipv4.ts";
import { podAddressOf } from "../addr/mac.ts";
import { contains, type Prefix4 } from "../addr/prefix.ts";
import type { DhcpMessage } from "../wire/dhcpv4.ts";
import { messageTypes, optionCodes, readIpv4, readU8 } from "../wire/dhcpv4_options.ts";
import type { AddressRange } from "./address_range.ts";
import type { LeaseEntry, LeaseState } from "./binding.ts";
import { LeasePool } from "./lease_pool.ts";
import type { LeaseRecord } from "./lease_record.ts";
import { type Rate, RateLimiter } from "./rate_limit.ts";
import { hashKey, type Requester, requesterOf } from "./requester.ts";
import { noReservations, type Reservations } from "./reservations.ts";
import { type ClientParameters, type LeaseTimes, leaseTimes } from "./server_options.ts";
import { type Reply, ServerReplies } from "./server_replies.ts";

export type DhcpServerConfig = ClientParameters & Partial<LeaseTimes> & {
  /** Default: see {@link defaultRange}. */
  readonly range?: AddressRange;
  /** Two messages instead of four for clients that want it (RFC 4039). Default true. */
  readonly rapidCommit?: boolean;
  readonly reservations?: Reservations;
  /** Messages taken from one client. Default 10 a second, 20 at once. */
  readonly clientRate?: Rate;
  /** Messages taken from all. Default 50,000 a second, 10,000 at once. */
  readonly overallRate?: Rate;
  /** A number that no stranger knows: which clients share in one rate follows from it. Default 0. */
  readonly rateSeed?: number;
};

/** What a message led to: for the log and the metrics. */
export type ServerEvent =
  | {
    readonly kind: "offered" | "leased" | "renewed" | "released" | "declined" | "informed";
    readonly address: Ipv4;
    readonly client: Requester;
  }
  /** DHCPNAK. */
  | { readonly kind: "refused"; readonly reason: string; readonly address: Ipv4; readonly client: Requester }
  | { readonly kind: "dropped"; readonly reason: DropReason };

export type DropReason =
  | "malformed"
  | "foreign relay"
  /** `chaddr` is not its sender's. */
  | "foreign hardware address"
  | "for another server"
  | "too many messages"
  | "pool exhausted"
  | "nothing to do";

export type Outcome = {
  readonly reply?: Reply;
  /** What must be written down before `reply` is sent. */
  readonly records: readonly LeaseRecord[];
  readonly event: ServerEvent;
};

const ethernetLength = 6;
const offerDuration = 30_000;
/** After ten minutes an address that was declined, or seen in use, is tried again. */
const setAsideDuration = 600_000;
/** So many of the addresses that would be given next are known not to be in use. */
const lookAhead = 128;

/**
 * Give each decoded message to {@link DhcpServer.handle}, write the records down, then send the reply. Time is in
 * milliseconds since 1970, because leases outlive the process.
 */
export class DhcpServer {
  readonly #address: Ipv4;
  readonly #network: Prefix4;
  readonly #rapidCommit: boolean;
  readonly #replies: ServerReplies;
  readonly #pool: LeasePool;
  readonly #clientLimiter: RateLimiter;
  readonly #overallLimiter: RateLimiter;
  readonly #rateSeed: number;
  #reservations: Reservations = noReservations;

  /** @param restored the records of an earlier run, in the order in which they were written */
  constructor(config: DhcpServerConfig, restored: Iterable<LeaseRecord>, now: number) {
    const { address, network } = config;
    const times = leaseTimes(config);
    this.#address = address;
    this.#network = network;
    this.#rapidCommit = config.rapidCommit ?? true;
    this.#replies = new ServerReplies(config, times);
    this.#clientLimiter = new RateLimiter(config.clientRate ?? { perSecond: 10, burst: 20 }, 65_536);
    this.#overallLimiter = new RateLimiter(config.overallRate ?? { perSecond: 50_000, burst: 10_000 }, 1);
    this.#rateSeed = config.rateSeed ?? 0;
    this.#pool = new LeasePool({
      network,
      leaseDuration: times.leaseSeconds * 1000,
      ...(config.range === undefined ? {} : { range: config.range }),
      excluded: [address, config.router ?? address],
      offerDuration,
      setAsideDuration,
    });
    this.#pool.restore(restored, now);
    this.reserve(config.reservations ?? noReservations);
  }

  /** Another process may have written to the journal: what it holds beyond what is known here is known from now on. */
  restore(records: Iterable<LeaseRecord>, now: number): void {
    this.#pool.restore(records, now);
  }

  /**
   * Replaces the reservations. They take hold when a lease would be renewed: who has another's address, or another than
   * its own that is to be had, is refused and asks anew.
   */
  reserve(reservations: Reservations): void {
    this.#reservations = reservations;
    this.#pool.reserve(reservations.addresses());
  }

  /**
   * Never throws: whatever a stranger sends has an outcome.
   *
   * @param message its `chaddr` is the source of the frame it came in, unless it came by a relay: {@link foreignHardware}
   */
  handle(message: DhcpMessage, now: number): Outcome {
    const { options, giaddr } = message;
    const type = readU8(options, optionCodes.messageType);
    const client = requesterOf(message);
    if (message.op !== 1 || type === undefined || client === undefined) return dropped("malformed");
    if (giaddr === unspecified ? message.chaddr.length !== ethernetLength : !contains(this.#network, giaddr)) {
      return dropped(giaddr === unspecified ? "malformed" : "foreign relay");
    }
    // A relay's frame does not show that it is the client who speaks: clients of ours are behind none.
    if (giaddr !== unspecified && podAddressOf(message.chaddr) !== undefined) return foreignHardware;
    // What a relay says does not count towards the rate of the client that it names.
    const source = hashKey(client.key, this.#rateSeed ^ giaddr);
    if (!this.#clientLimiter.allow(source, now) || !this.#overallLimiter.allow(0, now)) {
      return dropped("too many messages");
    }
    this.#pool.sweep(now);
    const server = readIpv4(options, optionCodes.serverIdentifier);
    if (server !== undefined && server !== this.#address) {
      if (type === messageTypes.request) this.#pool.withdrawOffer(client.key);
      return dropped("for another server");
    }
    switch (type) {
      case messageTypes.discover:
        return this.#discover(message, client, now);
      case messageTypes.request:
        return this.#request(message, client, now);
      case messageTypes.decline:
        return this.#decline(message, client, now);
      case messageTypes.release:
        return this.#release(message, client, now);
      case messageTypes.inform:
        return this.#inform(message, client);
      default:
        return dropped("malformed");
    }
  }

  /** `chaddr` was seen to use `address` (ARP, FDB): it is not given to another for a while. */
  observe(address: Ipv4, chaddr: Uint8Array, now: number): LeaseRecord | undefined {
    return this.#pool.observe(address, chaddr, now);
  }

  /** The hardware addresses of those whose addresses would be given next, if they are not in use: see {@link look}. */
  nextHolders(now: number): Uint8Array[] {
    this.#pool.sweep(now);
    return this.#pool.nextHolders(lookAhead);
  }

  /**
   * To be called now and then, so that what would be given next is known not to be in use.
   *
   * @param isSeen whether one of {@link nextHolders} was seen on the overlay after a time, in milliseconds since 1970
   * @returns the records to write down
   */
  look(isSeen: (chaddr: Uint8Array, after: number) => boolean, now: number): LeaseRecord[] {
    this.#pool.sweep(now);
    return this.#pool.look(isSeen, now, lookAhead);
  }

  /** Every address that is or was somebody's, in order. */
  leases(now: number): LeaseEntry[] {
    this.#pool.sweep(now);
    return [...this.#pool.entries()];
  }

  /** What a journal must hold: all that {@link leases} has but offers. */
  records(): Iterable<LeaseRecord> {
    return this.#pool.records();
  }

  /** How many {@link records} there are. */
  get recordCount(): number {
    return this.#pool.recordCount;
  }

  /** How many addresses are free, and in each state. */
  counts(now: number): Record<LeaseState | "free", number> {
    this.#pool.sweep(now);
    return this.#pool.counts();
  }

  #discover(message: DhcpMessage, client: Requester, now: number): Outcome {
    const requested = readIpv4(message.options, optionCodes.requestedAddress);
    const address = this.#pool.choose(client, requested, this.#reservations.find(client));
    if (address === undefined) return dropped("pool exhausted");
    if (this.#rapidCommit && message.options.has(optionCodes.rapidCommit)) {
      return this.#lease(message, client, address, now, true);
    }
    this.#pool.offer(client, address, now);
    const reply = this.#replies.offer(message, address);
    return { reply, records: [], event: { kind: "offered", address, client } };
  }

  /** DHCPREQUEST in each of the states of RFC 2131 table 4. */
  #request(message: DhcpMessage, client: Requester, now: number): Outcome {
    const { ciaddr, options } = message;
    const requested = readIpv4(options, optionCodes.requestedAddress);
    if (options.has(optionCodes.serverIdentifier)) {
      // SELECTING: what is asked for is in option 50, and `ciaddr` "must be zero". A client of the time before RFC 2131 has it
      // there, in a renewal.
      const address = requested ?? ciaddr;
      if (address === unspecified) return dropped("malformed");
      return this.#confirm(message, client, address, now, requested !== undefined);
    }
    // INIT-REBOOT has the address in option 50; RENEWING and REBINDING have it in `ciaddr`.
    const address = ciaddr === unspecified ? requested ?? this.#offeredTo(client) : ciaddr;
    if (address === undefined) return dropped("malformed");
    return this.#confirm(message, client, address, now);
  }

  /** There are clients that take an offer without a word of which one: that of the npm package `dhcp` 0.2 does. */
  #offeredTo(client: Requester): Ipv4 | undefined {
    const known = this.#pool.addressOf(client.key);
    return known?.state === "offered" ? known.address : undefined;
  }

  /**
   * Leases the address that the client names if it is its own, or nobody's: a gateway that lost its leases, or never
   * had them, learns them from what its clients present. Everything else is refused; the network is this server's
   * alone, so it may ("authoritative").
   */
  #confirm(message: DhcpMessage, client: Requester, address: Ipv4, now: number, wasOffered = false): Outcome {
    if (!contains(this.#network, address)) return this.#refuse(message, client, address, "it is not of this network");
    const reserved = this.#reservations.find(client);
    const standing = this.#pool.standing(client, address, reserved, wasOffered);
    const known = this.#pool.addressOf(client.key);
    const hasAnother = known !== undefined && known.address !== address && known.state === "bound" &&
      !this.#pool.isOffered(client.key, address);
    if (standing === "taken") return this.#refuse(message, client, address, "it is another client's");
    if (standing === "unavailable") return this.#refuse(message, client, address, "it is not for this client");
    if (reserved !== undefined && reserved !== address && this.#pool.isOpen(client, reserved, reserved)) {
      return this.#refuse(message, client, address, `${formatIpv4(reserved)} is reserved for this client`);
    }
    if (hasAnother) return this.#refuse(message, client, address, `the lease is on ${formatIpv4(known.address)}`);
    return this.#lease(message, client, address, now);
  }

  #lease(
    message: DhcpMessage,
    client: Requester,
    address: Ipv4,
    now: number,
    isRapid = false,
  ): Outcome {
    const known = this.#pool.addressOf(client.key);
    const renewed = known?.address === address && known.state === "bound";
    const records = this.#pool.bind(client, address, now);
    const reply = this.#replies.ack(message, address, isRapid);
    return { reply, records, event: { kind: renewed ? "renewed" : "leased", address, client } };
  }

  #refuse(message: DhcpMessage, client: Requester, address: Ipv4, reason: string): Outcome {
    const reply = this.#replies.nak(message, reason);
    return { reply, records: [], event: { kind: "refused", reason, address, client } };
  }

  /** Only with the server identifier, as table 5 demands: an address is not set aside because of half a message. */
  #decline(message: DhcpMessage, client: Requester, now: number): Outcome {
    if (!message.options.has(optionCodes.serverIdentifier)) return dropped("malformed");
    const address = readIpv4(message.options, optionCodes.requestedAddress);
    const record = address === undefined ? undefined : this.#pool.decline(client.key, address, now);
    if (record === undefined) return dropped("nothing to do");
    return { records: [record], event: { kind: "declined", address: record.address, client } };
  }

  /** The server identifier may be missing: systemd-networkd 252 sends none. */
  #release(message: DhcpMessage, client: Requester, now: number): Outcome {
    const record = this.#pool.release(client.key, message.ciaddr, now);
    if (record === undefined) return dropped("nothing to do");
    return { records: [record], event: { kind: "released", address: record.address, client } };
  }

  /** Parameters for a client that has its address from elsewhere: no lease, no lease time (section 4.3.5). */
  #inform(message: DhcpMessage, client: Requester): Outcome {
    if (!contains(this.#network, message.ciaddr)) return dropped("nothing to do");
    const reply = this.#replies.inform(message);
    return { reply, records: [], event: { kind: "informed", address: message.ciaddr, client } };
  }
}

/** What becomes of a message whose `chaddr` is not the source of its frame: somebody speaks in another's name. */
export const foreignHardware: Outcome = dropped("foreign hardware address");

function dropped(reason: DropReason): Outcome {
  return { records: [], event: { kind: "dropped", reason } };
}
