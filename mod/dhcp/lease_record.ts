/** What is known of one address, as it is written down. */

import type { Ipv4 } from "../addr/ipv4.ts";

/** The last record of an address counts. */
export type LeaseRecord = {
  readonly address: Ipv4;
  /** `declined`: in use by a stranger, set aside. */
  readonly state: "bound" | "released" | "declined";
  /** The client's hardware address. */
  readonly chaddr: Uint8Array;
  readonly clientId?: Uint8Array;
  readonly hostName?: string;
  /** When the lease ends, ended, or the address is tried again: milliseconds since 1970. */
  readonly until: number;
};
