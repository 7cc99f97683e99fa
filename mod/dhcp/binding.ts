/** What is known of an address that is or was somebody's, as small as can be: there may be 65,000 of them. */

import type { Ipv4 } from "../addr/ipv4.ts";
import type { LeaseRecord } from "./lease_record.ts";
import { binaryString, bytesOf, clientIdOf, type Requester } from "./requester.ts";

export type LeaseState = "offered" | "bound" | "expired" | "released" | "declined";

/** One address that is or was somebody's. */
export type LeaseEntry = Omit<LeaseRecord, "state"> & { readonly state: LeaseState };

export type Binding = {
  /** Of the client, which holds its identifier; absent when the address is set aside. */
  readonly key: string | undefined;
  /** A binary string: a quarter of what an array of bytes takes. */
  chaddr: string;
  hostName: string | undefined;
  until: number;
  /** Whether the client ever had a lease, which is worth remembering; an offer alone is not. */
  leased: boolean;
};

export function newBinding({ key, chaddr, hostName }: Requester, until: number, leased: boolean): Binding {
  return { key, chaddr: binaryString(chaddr), hostName, until, leased };
}

/** Of an address that a stranger uses. */
export function strangersBinding(chaddr: Uint8Array, until: number): Binding {
  return { key: undefined, chaddr: binaryString(chaddr), hostName: undefined, until, leased: false };
}

export function isSameHardware({ chaddr }: Binding, other: Uint8Array): boolean {
  if (chaddr.length !== other.length) return false;
  for (let index = 0; index < other.length; index++) {
    if (chaddr.charCodeAt(index) !== other[index]) return false;
  }
  return true;
}

/** What is known, for others. */
export function describeBinding<State extends LeaseState>(
  { key, chaddr, hostName, until }: Binding,
  address: Ipv4,
  state: State,
): Omit<LeaseRecord, "state"> & { state: State } {
  const clientId = key === undefined ? undefined : clientIdOf(key);
  return {
    address,
    state,
    chaddr: bytesOf(chaddr),
    ...(clientId === undefined ? {} : { clientId }),
    ...(hostName === undefined ? {} : { hostName }),
    until,
  };
}
