/** What a DHCP client holds, and how it is read from a server's answer. */

import { type Ipv4, unspecified } from "../addr/ipv4.ts";
import { broadcastAddress, contains, networkAddress, type Prefix4 } from "../addr/prefix.ts";
import type { DhcpMessage } from "../wire/dhcpv4.ts";
import {
  optionCodes,
  readDomainSearch,
  readIpv4,
  readIpv4List,
  readMaskLength,
  readName,
  readU16,
  readU32,
} from "../wire/dhcpv4_options.ts";

/** An address and all that came with it. Points in time are milliseconds of the clock that `now` is of. */
export type Lease = {
  readonly address: Ipv4;
  readonly prefixLength: number;
  /** The server that gave it: renewals and the release go there. */
  readonly server: Ipv4;
  readonly router?: Ipv4;
  readonly dnsServers: readonly Ipv4[];
  readonly mtu?: number;
  readonly domainName?: string;
  readonly searchDomains: readonly string[];
  readonly boundAt: number;
  /** T1: from here on the server that gave it is asked for more time. `Infinity` for a lease without end. */
  readonly renewAt: number;
  /** T2: from here on any server is. */
  readonly rebindAt: number;
  readonly expiresAt: number;
};

/** What limits the addresses and routes that a client takes. */
export type LeasePolicy = {
  /** An address outside of it is refused, and it alone says how long the prefix of an address is. */
  readonly network?: Prefix4;
  /** Addresses that this host has already, on other interfaces: declined, like what another host has. */
  readonly ownAddresses?: readonly Ipv4[];
};

/** Option 51 of a lease without end (RFC 2131 section 3.3). */
const infinity = 0xffffffff;
/** T1 and T2 of a lease that says nothing of them (section 4.4.5). */
const [renewalPart, rebindingPart] = [0.5, 0.875];
/** RFC 791: all must take 576 bytes. A smaller MTU would be an attack or a mistake. */
const smallestMtu = 576;

/** Why an address is not taken; `undefined` when it may be. */
export function refusal(address: Ipv4, { network }: LeasePolicy): string | undefined {
  if (address === unspecified) return "it gives no address";
  if (network === undefined) return undefined;
  if (!contains(network, address)) return "the address is outside the network";
  if (network.length < 31 && (address === networkAddress(network) || address === broadcastAddress(network))) {
    return "the address is the network's or its broadcast";
  }
  return undefined;
}

/**
 * Reads the lease out of a DHCPACK or DHCPOFFER; `undefined` when it lacks the server identifier or the lease time.
 *
 * Routes (options 33, 121, 249) are never read: a server can give this host an address, not reroute its traffic. A
 * router outside the network is none for the same reason.
 *
 * @param since when the lease began by the client's count: when it asked for it (RFC 2131 section 4.4.5)
 */
export function readLease(
  { yiaddr, options }: DhcpMessage,
  { network }: LeasePolicy,
  since: number,
  random: () => number,
): Lease | undefined {
  const server = readIpv4(options, optionCodes.serverIdentifier);
  const seconds = readU32(options, optionCodes.leaseTime);
  if (server === undefined || seconds === undefined || seconds === 0) return undefined;
  const router = readIpv4List(options, optionCodes.router)
    .find((address) => network === undefined || contains(network, address));
  const mtu = readU16(options, optionCodes.interfaceMtu);
  const domainName = readName(options, optionCodes.domainName);
  return {
    address: yiaddr,
    prefixLength: network?.length ?? readMaskLength(options) ?? 32,
    server,
    ...(router === undefined ? {} : { router }),
    dnsServers: readIpv4List(options, optionCodes.domainNameServer),
    ...(mtu === undefined || mtu < smallestMtu ? {} : { mtu }),
    ...(domainName === undefined ? {} : { domainName }),
    searchDomains: readDomainSearch(options),
    boundAt: since,
    ...deadlines(seconds, options, since, random),
  };
}

/** A lease of which no more is known: T1 and T2 are those of one that begins now, and its options are none. */
export function resumedLease(
  known: Pick<Lease, "address" | "prefixLength" | "server" | "expiresAt">,
  now: number,
): Lease {
  const left = known.expiresAt - now;
  return {
    ...known,
    dnsServers: [],
    searchDomains: [],
    boundAt: now,
    renewAt: now + renewalPart * left,
    rebindAt: now + rebindingPart * left,
  };
}

function deadlines(
  seconds: number,
  options: DhcpMessage["options"],
  since: number,
  random: () => number,
): Pick<Lease, "renewAt" | "rebindAt" | "expiresAt"> {
  if (seconds === infinity) return { renewAt: Infinity, rebindAt: Infinity, expiresAt: Infinity };
  let renewal = readU32(options, optionCodes.renewalTime) ?? renewalPart * seconds;
  let rebinding = readU32(options, optionCodes.rebindingTime) ?? rebindingPart * seconds;
  if (!(0 < renewal && renewal < rebinding && rebinding < seconds)) {
    renewal = renewalPart * seconds;
    rebinding = rebindingPart * seconds;
  }
  return {
    // "Some random fuzz" (section 4.4.5), towards the past only: Pods that started together do not renew together.
    renewAt: since + 1000 * renewal * (1 - 0.05 * random()),
    rebindAt: since + 1000 * rebinding,
    expiresAt: since + 1000 * seconds,
  };
}
