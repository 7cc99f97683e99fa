/** What a DHCP server answers, and where that goes (RFC 2131 section 4.3; RFC 3046, 3442, 4039, 6842). */

import { broadcast, type Ipv4, unspecified } from "../addr/ipv4.ts";
import { type DhcpMessage, type EncodeLimits, noBytes } from "../wire/dhcpv4.ts";
import {
  hasValue,
  ipv4Value,
  messageTypes,
  optionCodes,
  OptionList,
  readU16,
  textValue,
  u8Value,
} from "../wire/dhcpv4_options.ts";
import { type ClientParameters, leaseTimeOptions, type LeaseTimes, parameterOptions } from "./server_options.ts";

/** Where a reply goes, always from port 67. */
export type Destination =
  /** In a frame to the hardware address `mac`, to port 68 of `address`: nobody need have resolved the client's. */
  | { readonly kind: "frame"; readonly mac: Uint8Array; readonly address: Ipv4 }
  /** To port 67 of a relay. */
  | { readonly kind: "relay"; readonly address: Ipv4 };

export type Reply = { readonly message: DhcpMessage; readonly limits: EncodeLimits; readonly destination: Destination };

/** DHCPOFFER, the DHCPACK that leases, and the one that answers DHCPINFORM. */
type Kind = "offer" | "ack" | "inform";

const ipv4AndUdpHeaders = 28;
/** What every client must take (RFC 2131 section 2), and what leaves through the tunnel unfragmented. */
const messageSize = { least: 576, most: 1_400 };

export class ServerReplies {
  readonly #parameters: ReadonlyMap<number, Uint8Array>;
  /** What every reply of a kind begins with. */
  readonly #beginnings: Readonly<Record<Kind | "nak", OptionList>>;
  /** For the last list: most clients ask for the same parameters, and what is made for each must be collected. */
  #asked: { readonly list: Uint8Array; readonly options: OptionList } | undefined;

  /** @throws {WireError} as {@link parameterOptions} */
  constructor(parameters: ClientParameters, times: LeaseTimes) {
    this.#parameters = parameterOptions(parameters);
    const identifier = [optionCodes.serverIdentifier, ipv4Value(parameters.address)] as const;
    const typed = (type: number) => [[optionCodes.messageType, u8Value(type)] as const, identifier];
    this.#beginnings = {
      offer: new OptionList([...typed(messageTypes.offer), ...leaseTimeOptions(times)]),
      ack: new OptionList([...typed(messageTypes.ack), ...leaseTimeOptions(times)]),
      nak: new OptionList(typed(messageTypes.nak)),
      // No lease, so no times of it (section 4.3.5).
      inform: new OptionList(typed(messageTypes.ack)),
    };
  }

  offer(request: DhcpMessage, yiaddr: Ipv4): Reply {
    return reply(request, messageTypes.offer, yiaddr, this.#options("offer", request));
  }

  /** @param isRapid it answers DHCPDISCOVER (RFC 4039) */
  ack(request: DhcpMessage, yiaddr: Ipv4, isRapid: boolean): Reply {
    return reply(request, messageTypes.ack, yiaddr, this.#options("ack", request, isRapid));
  }

  /** Parameters for a client that has its address from elsewhere (section 4.3.5). */
  inform(request: DhcpMessage): Reply {
    return reply(request, messageTypes.ack, unspecified, this.#options("inform", request));
  }

  nak(request: DhcpMessage, reason: string): Reply {
    const options = this.#beginning("nak", request).set(optionCodes.message, textValue(reason));
    return reply(request, messageTypes.nak, unspecified, options);
  }

  /** What does not fit is left out from the end, so that what must be there comes first. */
  #options(kind: Kind, request: DhcpMessage, isRapid = false): OptionList {
    const options = this.#beginning(kind, request);
    if (isRapid) options.set(optionCodes.rapidCommit, noBytes);
    return options.append(this.#askedBy(request));
  }

  /** RFC 6842: the client's identifier is sent back as it came. */
  #beginning(kind: Kind | "nak", request: DhcpMessage): OptionList {
    const options = new OptionList(this.#beginnings[kind]);
    const identifier = request.options.get(optionCodes.clientIdentifier);
    return identifier === undefined ? options : options.set(optionCodes.clientIdentifier, identifier);
  }

  /** Those of the parameters that the client asks for, in its order, which is that of their importance; or all. */
  #askedBy({ options }: DhcpMessage): OptionList {
    if (this.#asked !== undefined && hasValue(options, optionCodes.parameterRequestList, this.#asked.list)) {
      return this.#asked.options;
    }
    const list = options.get(optionCodes.parameterRequestList)?.slice();
    if (list === undefined) return new OptionList(this.#parameters);
    const asked = { list, options: new OptionList(askedOf(this.#parameters, list)) };
    this.#asked = asked;
    return asked.options;
  }
}

/** The parameters of a list (option 55) that there are. */
function* askedOf(parameters: ReadonlyMap<number, Uint8Array>, list: Uint8Array): Generator<[number, Uint8Array]> {
  const { subnetMask, classlessStaticRoute, router, staticRoutes } = optionCodes;
  const isSent = (code: number) => list.includes(code) && parameters.has(code);
  // RFC 2132 section 3.3: the mask must come before the router.
  const codes = list.includes(subnetMask) ? [subnetMask, ...list] : list;
  // RFC 3442: whoever understands the classless routes gets no others beside them.
  const isReplaced = (code: number) => isSent(classlessStaticRoute) && (code === router || code === staticRoutes);
  for (const code of codes) {
    const value = parameters.get(code);
    if (value !== undefined && !isReplaced(code)) yield [code, value];
  }
}

function reply(request: DhcpMessage, type: number, yiaddr: Ipv4, options: OptionList): Reply {
  const isNak = type === messageTypes.nak;
  // RFC 3046 section 2.2: what the relay said of itself is sent back, as the last option.
  const relayInformation = request.options.get(optionCodes.relayAgentInformation);
  if (relayInformation !== undefined) options.set(optionCodes.relayAgentInformation, relayInformation);
  const isRelayed = request.giaddr !== unspecified;
  const message: DhcpMessage = {
    op: 2,
    htype: request.htype,
    hops: 0,
    xid: request.xid,
    secs: 0,
    // Section 4.3.2: a relay must broadcast a DHCPNAK, the client may have no right address.
    broadcast: request.broadcast || (isNak && isRelayed),
    ciaddr: type === messageTypes.ack ? request.ciaddr : unspecified,
    yiaddr,
    siaddr: unspecified,
    giaddr: request.giaddr,
    chaddr: request.chaddr,
    sname: noBytes,
    file: noBytes,
    options,
  };
  return { message, limits: limitsOf(request), destination: destinationOf(message, isNak) };
}

/** Section 4.1. Only NAKs and what the client wants so go to the broadcast address; a frame goes to the client alone. */
function destinationOf(reply: DhcpMessage, isNak: boolean): Destination {
  if (reply.giaddr !== unspecified) return { kind: "relay", address: reply.giaddr };
  if (isNak) return { kind: "frame", mac: reply.chaddr, address: broadcast };
  if (reply.ciaddr !== unspecified) return { kind: "frame", mac: reply.chaddr, address: reply.ciaddr };
  return { kind: "frame", mac: reply.chaddr, address: reply.broadcast ? broadcast : reply.yiaddr };
}

/** As much as the client says that it takes. */
function limitsOf({ options }: DhcpMessage): EncodeLimits {
  const asked = readU16(options, optionCodes.maximumMessageSize) ?? messageSize.least;
  const size = Math.min(Math.max(asked, messageSize.least), messageSize.most);
  return { maximum: size - ipv4AndUdpHeaders, overflow: "omit" };
}
