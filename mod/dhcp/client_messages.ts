/** What a DHCP client says in each state (RFC 2131 section 4.4 and table 5). */

import { type Ipv4, unspecified } from "../addr/ipv4.ts";
import type { Mac } from "../addr/mac.ts";
import { type DhcpMessage, noBytes } from "../wire/dhcpv4.ts";
import { ipv4Value, messageTypes, optionCodes, textValue, u16Value, u8Value } from "../wire/dhcpv4_options.ts";

/** Who the client says that it is. */
export type ClientIdentity = {
  readonly mac: Mac;
  /** Option 61. Default: the hardware type and `mac`, as most clients do. */
  readonly clientId?: Uint8Array;
  /** Option 12. */
  readonly hostName?: string;
};

/** What ties messages and answers together. */
export type Transaction = { readonly xid: number; readonly secs: number };

/** All that the client uses. Routes (options 33, 121 and 249) are not among it: nobody may add any. */
const parameterRequestList = Uint8Array.of(
  optionCodes.subnetMask,
  optionCodes.router,
  optionCodes.domainNameServer,
  optionCodes.domainName,
  optionCodes.interfaceMtu,
  optionCodes.broadcastAddress,
  optionCodes.leaseTime,
  optionCodes.renewalTime,
  optionCodes.rebindingTime,
  optionCodes.domainSearch,
);
/** What fits through the tunnel unfragmented, IP and UDP headers included. */
const maximumMessageSize = 1_400;
const ethernet = 1;

export function clientIdentifier(identity: ClientIdentity): Uint8Array {
  return identity.clientId ?? Uint8Array.of(ethernet, ...identity.mac);
}

/** @param hint the address that the client would like best */
export function discoverMessage(identity: ClientIdentity, transaction: Transaction, hint?: Ipv4): DhcpMessage {
  return message(identity, transaction, unspecified, [
    [optionCodes.messageType, u8Value(messageTypes.discover)],
    // Two messages instead of four when the server plays along (RFC 4039).
    [optionCodes.rapidCommit, noBytes],
    ...(hint === undefined ? [] : [[optionCodes.requestedAddress, ipv4Value(hint)] as const]),
    ...parameters(identity),
  ]);
}

/** DHCPREQUEST in SELECTING (`server` given: takes its offer) or in INIT-REBOOT (any server may confirm). */
export function requestMessage(
  identity: ClientIdentity,
  transaction: Transaction,
  address: Ipv4,
  server?: Ipv4,
): DhcpMessage {
  return message(identity, transaction, unspecified, [
    [optionCodes.messageType, u8Value(messageTypes.request)],
    [optionCodes.requestedAddress, ipv4Value(address)],
    ...(server === undefined ? [] : [[optionCodes.serverIdentifier, ipv4Value(server)] as const]),
    ...parameters(identity),
  ]);
}

/** DHCPREQUEST in RENEWING and REBINDING: the address speaks for itself, in `ciaddr`. */
export function renewMessage(identity: ClientIdentity, transaction: Transaction, address: Ipv4): DhcpMessage {
  return message(identity, transaction, address, [
    [optionCodes.messageType, u8Value(messageTypes.request)],
    ...parameters(identity),
  ]);
}

/** `address` is in use by somebody else. */
export function declineMessage(
  identity: ClientIdentity,
  transaction: Transaction,
  address: Ipv4,
  server: Ipv4,
): DhcpMessage {
  return message(identity, transaction, unspecified, [
    [optionCodes.messageType, u8Value(messageTypes.decline)],
    [optionCodes.requestedAddress, ipv4Value(address)],
    [optionCodes.serverIdentifier, ipv4Value(server)],
  ]);
}

/** The client needs `address` no longer. */
export function releaseMessage(
  identity: ClientIdentity,
  transaction: Transaction,
  address: Ipv4,
  server: Ipv4,
): DhcpMessage {
  return message(identity, transaction, address, [
    [optionCodes.messageType, u8Value(messageTypes.release)],
    [optionCodes.serverIdentifier, ipv4Value(server)],
  ]);
}

type Option = readonly [code: number, value: Uint8Array];

function parameters({ hostName }: ClientIdentity): Option[] {
  return [
    [optionCodes.maximumMessageSize, u16Value(maximumMessageSize)],
    [optionCodes.parameterRequestList, parameterRequestList],
    ...(hostName === undefined ? [] : [[optionCodes.hostName, textValue(hostName)] as const]),
  ];
}

function message(
  identity: ClientIdentity,
  { xid, secs }: Transaction,
  ciaddr: Ipv4,
  options: readonly Option[],
): DhcpMessage {
  return {
    op: 1,
    htype: ethernet,
    hops: 0,
    xid,
    secs: Math.min(secs, 0xffff),
    // The firewall leads what comes for port 68 to this host whatever its destination (section 4.1: then the flag should
    // be clear). With it, a server such as dnsmasq answers to the Ethernet broadcast address, which leads nowhere from a
    // VXLAN device without a default destination.
    broadcast: false,
    ciaddr,
    yiaddr: unspecified,
    siaddr: unspecified,
    giaddr: unspecified,
    chaddr: identity.mac,
    sname: noBytes,
    file: noBytes,
    options: new Map([...options, [optionCodes.clientIdentifier, clientIdentifier(identity)]]),
  };
}
