/** What a DHCP server tells its clients besides the address. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { broadcastAddress, mask4, type Prefix4 } from "../addr/prefix.ts";
import { WireError } from "../wire/bytes.ts";
import {
  domainSearchValue,
  ipv4ListValue,
  ipv4Value,
  optionCodes,
  textValue,
  u16Value,
  u32Value,
} from "../wire/dhcpv4_options.ts";

/** What clients are to use. */
export type ClientParameters = {
  /** The server's own address, its identifier. */
  readonly address: Ipv4;
  readonly network: Prefix4;
  /** Default: the server. */
  readonly router?: Ipv4;
  /** Default: the server. */
  readonly dnsServers?: readonly Ipv4[];
  readonly mtu?: number;
  readonly domainName?: string;
  readonly searchDomains?: readonly string[];
  readonly ntpServers?: readonly Ipv4[];
  /** Further options by number, before all others of the same number. An empty value takes an option out. */
  readonly options?: ReadonlyMap<number, Uint8Array>;
};

/** Those that belong to the protocol: a setting must not change them. */
const ownCodes: ReadonlySet<number> = new Set([
  optionCodes.pad,
  optionCodes.requestedAddress,
  optionCodes.leaseTime,
  optionCodes.overload,
  optionCodes.messageType,
  optionCodes.serverIdentifier,
  optionCodes.parameterRequestList,
  optionCodes.message,
  optionCodes.maximumMessageSize,
  optionCodes.renewalTime,
  optionCodes.rebindingTime,
  optionCodes.clientIdentifier,
  optionCodes.rapidCommit,
  optionCodes.relayAgentInformation,
  optionCodes.end,
]);

/** Whether a setting may give the option of this code a value. */
export function isSettable(code: number): boolean {
  return Number.isInteger(code) && code > 0 && code < 255 && !ownCodes.has(code);
}

/**
 * The options that clients may ask for.
 *
 * @throws {WireError} when a search domain is not a name, or an option by number is not to be set
 */
export function parameterOptions(parameters: ClientParameters): Map<number, Uint8Array> {
  const { address, network, router = address, dnsServers = [address], searchDomains = [], ntpServers = [] } =
    parameters;
  const options = new Map<number, Uint8Array>([
    [optionCodes.subnetMask, ipv4Value(mask4(network.length))],
    [optionCodes.router, ipv4Value(router)],
    [optionCodes.domainNameServer, ipv4ListValue(dnsServers)],
    [optionCodes.broadcastAddress, ipv4Value(broadcastAddress(network))],
    [optionCodes.ntpServers, ipv4ListValue(ntpServers)],
    [optionCodes.domainSearch, domainSearchValue(searchDomains)],
    ...(parameters.mtu === undefined ? [] : [[optionCodes.interfaceMtu, u16Value(parameters.mtu)] as const]),
    ...(parameters.domainName === undefined
      ? []
      : [[optionCodes.domainName, textValue(parameters.domainName)] as const]),
    ...(parameters.options ?? []),
  ]);
  for (const [code, value] of options) {
    if (!isSettable(code)) throw new WireError(`option ${code} is the server's own to set`);
    if (value.length === 0) options.delete(code);
  }
  return options;
}

/** Lease time, T1 and T2, in seconds. */
export type LeaseTimes = {
  readonly leaseSeconds: number;
  readonly renewalSeconds: number;
  readonly rebindingSeconds: number;
};

/** Those of `given`, and where it has none the defaults: 12 hours, half of the lease, seven eighths of it. */
export function leaseTimes(given: { readonly [Name in keyof LeaseTimes]?: LeaseTimes[Name] | undefined }): LeaseTimes {
  const { leaseSeconds = 12 * 3600 } = given;
  const { renewalSeconds = Math.floor(leaseSeconds / 2), rebindingSeconds = Math.floor(leaseSeconds * 7 / 8) } = given;
  return { leaseSeconds, renewalSeconds, rebindingSeconds };
}

export function leaseTimeOptions(times: LeaseTimes): [code: number, value: Uint8Array][] {
  return [
    [optionCodes.leaseTime, u32Value(times.leaseSeconds)],
    [optionCodes.renewalTime, u32Value(times.renewalSeconds)],
    [optionCodes.rebindingTime, u32Value(times.rebindingSeconds)],
  ];
}
