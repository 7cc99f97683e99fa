/** Who a DHCP server speaks with: the client as it identifies itself. */

import { unspecified } from "../addr/ipv4.ts";
import { hasBytes } from "../wire/bytes.ts";
import type { DhcpMessage } from "../wire/dhcpv4.ts";
import { optionCodes, readName } from "../wire/dhcpv4_options.ts";

/** A client in the eyes of the server. The bytes may be views of a packet: copy them to keep them. */
export type Requester = {
  /** The identity that leases belong to: the client identifier, or without one the hardware address. */
  readonly key: string;
  readonly chaddr: Uint8Array;
  readonly clientId?: Uint8Array | undefined;
  readonly hostName?: string | undefined;
  /** Whether it is a relay that says so, and not the frame that it came in. */
  readonly isRelayed?: boolean;
};

/** Longer identifiers serve nobody but who wants to fill the memory. */
const longestClientId = 255;

/** The requester of a message; `undefined` when it says nothing that it could be known by. */
export function requesterOf({ chaddr, giaddr, options }: DhcpMessage): Requester | undefined {
  const stated = options.get(optionCodes.clientIdentifier);
  const clientId = stated !== undefined && namesOtherHardware(stated, chaddr) ? undefined : stated;
  const hostName = readName(options, optionCodes.hostName);
  const key = clientKey(chaddr, clientId);
  if (key === undefined) return undefined;
  return { key, chaddr, clientId, hostName, isRelayed: giaddr !== unspecified };
}

/**
 * Whether an identifier is a hardware address (RFC 2132 section 9.14: its type, here Ethernet, and then the address) that the
 * client has not. Whose it is can be known by anyone, so that it is no more than a claim to be another.
 */
function namesOtherHardware(clientId: Uint8Array, chaddr: Uint8Array): boolean {
  return clientId.length === 7 && clientId[0] === 1 && !(chaddr.length === 6 && hasBytes(clientId, 1, chaddr));
}

/** The identity of RFC 2131 section 4.2: the client identifier, opaque, if there is one, else `chaddr`. */
export function clientKey(chaddr: Uint8Array, clientId: Uint8Array | undefined): string | undefined {
  // RFC 2132 section 9.14: its minimum length is 2.
  if (clientId !== undefined && clientId.length >= 2) {
    return clientId.length <= longestClientId ? `i${binaryString(clientId)}` : undefined;
  }
  return chaddr.length > 0 ? `h${binaryString(chaddr)}` : undefined;
}

/** A well mixed unsigned 32-bit hash of a key (FNV-1a with the finalizer of MurmurHash3), the same everywhere. */
export function hashKey(key: string, seed = 0): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The client identifier in a key; `undefined` when it was made from a hardware address. */
export function clientIdOf(key: string): Uint8Array | undefined {
  return isOfClientId(key) ? bytesOf(key.slice(1)) : undefined;
}

/** Whether a key was made from a client identifier, and not from a hardware address. */
export function isOfClientId(key: string): boolean {
  return key.startsWith("i");
}

/**
 * A string of a character for each byte. Made with each message: what is short is faster piece by piece, and the usual, a MAC
 * address, at once.
 */
function binaryString(bytes: Uint8Array): string {
  if (bytes.length === 6) {
    return String.fromCharCode(bytes[0]!, bytes[1]!, bytes[2]!, bytes[3]!, bytes[4]!, bytes[5]!);
  }
  if (bytes.length > 12) return String.fromCharCode(...bytes);
  let text = "";
  for (let index = 0; index < bytes.length; index++) text += String.fromCharCode(bytes[index]!);
  return text;
}

function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}
