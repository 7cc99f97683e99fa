/** What is known of one address, as it is written down. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { sameBytes } from "../wire/bytes.ts";
import { clientKey } from "./requester.ts";

/** The last record of an address counts. */
export type LeaseRecord = {
  readonly address: Ipv4;
  /** `declined`: in use by a stranger, set aside. */
  readonly state: "bound" | "released" | "declined";
  /** The client's hardware address. */
  readonly chaddr: Uint8Array;
  readonly clientId?: Uint8Array | undefined;
  readonly hostName?: string | undefined;
  /** When the lease ends, ended, or the address is tried again: milliseconds since 1970. */
  readonly until: number;
};

/**
 * What is true at the end of a journal: of each address the last record, and of each client, which has one lease at
 * most, the last address. In the order of `until`.
 */
export function replay(records: Iterable<LeaseRecord>, isWanted: (record: LeaseRecord) => boolean): LeaseRecord[] {
  const byAddress = new Map<Ipv4, LeaseRecord>();
  for (const record of records) {
    if (!isWanted(record)) continue;
    // Deleted first, so that the map is in the order of the last records.
    byAddress.delete(record.address);
    byAddress.set(record.address, record);
  }
  const byClient = new Map<string, LeaseRecord>();
  for (const record of byAddress.values()) {
    const { state, chaddr, clientId } = record;
    const key = state === "declined" ? undefined : clientKey(chaddr, clientId);
    // Of an address that is set aside, `chaddr` says who was seen there, which is no lease.
    if (key === undefined) continue;
    const former = byClient.get(key);
    if (former !== undefined) byAddress.delete(former.address);
    byClient.set(key, record);
  }
  return [...byAddress.values()]
    .sort((a, b) => a.until - b.until);
}

/**
 * What is true where memory and a journal went separate ways, because another process wrote the journal: of each address,
 * and of each client, what ends last. So nothing that any client was told is given to another.
 *
 * @param written what {@link replay} made of the journal
 * @param known from memory, where it says the same the one that is returned
 */
export function merge(written: Iterable<LeaseRecord>, known: Iterable<LeaseRecord>): LeaseRecord[] {
  return replay([...written, ...known].sort((a, b) => a.until - b.until), () => true);
}

/** Those of `records` that the journal `written` does not end with. */
export function changes(written: Iterable<LeaseRecord>, records: Iterable<LeaseRecord>): LeaseRecord[] {
  const last = new Map<Ipv4, LeaseRecord>();
  for (const record of written) last.set(record.address, record);
  return [...records].filter((record) => {
    const former = last.get(record.address);
    return former?.until !== record.until || former.state !== record.state || !sameBytes(former.chaddr, record.chaddr);
  });
}
