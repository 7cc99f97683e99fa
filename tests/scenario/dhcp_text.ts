/**
 * DHCP messages as a line of words, in both directions: `DHCPOFFER yiaddr=172.29.0.20 server=172.29.0.1 lease=3600`.
 * A test gives the words that matter; a message matches when it has them all.
 */

import { formatIpv4, parseIpv4, unspecified } from "../../mod/addr/ipv4.ts";
import { formatMac } from "../../mod/addr/mac.ts";
import { type DhcpMessage, noBytes } from "../../mod/wire/dhcpv4.ts";
import { messageTypes, optionCodes } from "../../mod/wire/dhcpv4_options.ts";

const typeNames = new Map<number, string>(
  Object.entries(messageTypes).map(([name, code]) => [code, `DHCP${name.toUpperCase()}`]),
);
const codesOfTypes = new Map([...typeNames].map(([code, name]) => [name, code]));

type Format = { readonly show: (value: Uint8Array) => string; readonly parse: (text: string) => Uint8Array };

const number = (size: number): Format => ({
  show: (value) => String(value.reduce((sum, byte) => sum * 256 + byte, 0)),
  parse: (text) =>
    Uint8Array.from({ length: size }, (_, at) => Math.floor(Number(text) / 256 ** (size - 1 - at)) % 256),
});
const addresses: Format = {
  show: (value) =>
    Array.from({ length: value.length / 4 }, (_, at) => value.subarray(4 * at, 4 * at + 4).join("."))
      .join(","),
  parse: (text) => Uint8Array.from(text.split(",").flatMap((address) => address.split(".").map(Number))),
};
const text: Format = {
  show: (value) => new TextDecoder().decode(value).replaceAll(" ", "_"),
  parse: (value) => new TextEncoder().encode(value),
};
const hex: Format = {
  show: formatMac,
  parse: (value) => value === "" ? noBytes : Uint8Array.from(value.split(":"), (byte) => Number.parseInt(byte, 16)),
};

/** Options that have a name; all others are `CODE=hex`. */
const options: Readonly<Record<string, readonly [code: number, format: Format]>> = {
  mask: [optionCodes.subnetMask, addresses],
  router: [optionCodes.router, addresses],
  dns: [optionCodes.domainNameServer, addresses],
  name: [optionCodes.hostName, text],
  domain: [optionCodes.domainName, text],
  mtu: [optionCodes.interfaceMtu, number(2)],
  requested: [optionCodes.requestedAddress, addresses],
  lease: [optionCodes.leaseTime, number(4)],
  server: [optionCodes.serverIdentifier, addresses],
  message: [optionCodes.message, text],
  size: [optionCodes.maximumMessageSize, number(2)],
  t1: [optionCodes.renewalTime, number(4)],
  t2: [optionCodes.rebindingTime, number(4)],
  id: [optionCodes.clientIdentifier, hex],
};
const nameOfCode = new Map(Object.entries(options).map(([name, [code, format]]) => [code, { name, format }]));

/** Every word that is true of a message. What is zero or absent has no word, except as `no-NAME` when asked for. */
export function words(message: DhcpMessage): string[] {
  const type = message.options.get(optionCodes.messageType)?.[0];
  const result = [type === undefined ? "BOOTP" : typeNames.get(type) ?? `type=${type}`, `secs=${message.secs}`];
  if (message.broadcast) result.push("broadcast");
  for (const field of ["ciaddr", "yiaddr", "siaddr", "giaddr"] as const) {
    if (message[field] !== unspecified) result.push(`${field}=${formatIpv4(message[field])}`);
  }
  for (const [code, value] of message.options) {
    if (code === optionCodes.messageType) continue;
    if (code === optionCodes.rapidCommit) result.push("rapid");
    else if (code === optionCodes.parameterRequestList) result.push(`prl=${value.join(",")}`);
    else {
      const named = nameOfCode.get(code);
      result.push(named === undefined ? `${code}=${formatMac(value)}` : `${named.name}=${named.format.show(value)}`);
    }
  }
  return result;
}

/** Which words of `pattern` are not true of something that `present` are; `no-NAME` says that there is no such word. */
export function missing(pattern: string, present: readonly string[]): string[] {
  return pattern.split(/\s+/).filter((word) => word !== "").filter((word) => {
    if (!word.startsWith("no-")) return !present.includes(word);
    return present.some((other) => other.split("=")[0] === word.slice(3));
  });
}

/** The message that the words say, with `base` where they say nothing. */
export function parse(line: string, base: Pick<DhcpMessage, "op" | "xid" | "chaddr">): DhcpMessage {
  const [type = "", ...rest] = line.split(/\s+/);
  const code = codesOfTypes.get(type);
  if (code === undefined && type !== "BOOTP") throw new Error(`'${type}' is not the name of a message`);
  const own = new Map<number, Uint8Array>(code === undefined ? [] : [[optionCodes.messageType, Uint8Array.of(code)]]);
  let fields: Partial<DhcpMessage> = {};
  for (const word of rest) {
    const [name = "", value = ""] = word.split("=");
    const option = options[name];
    if (option !== undefined) own.set(option[0], option[1].parse(value));
    else if (name === "rapid") own.set(optionCodes.rapidCommit, noBytes);
    else if (name === "prl") own.set(optionCodes.parameterRequestList, Uint8Array.from(value.split(","), Number));
    else if (/^\d+$/.test(name)) own.set(Number(name), hex.parse(value));
    else if (name === "broadcast") fields = { ...fields, broadcast: true };
    else if (/^[cysg]iaddr$/.test(name)) fields = { ...fields, [name]: parseIpv4(value) };
    else if (name === "mac") fields = { ...fields, chaddr: hex.parse(value) };
    else if (name === "xid" || name === "secs") fields = { ...fields, [name]: Number(value) };
    else throw new Error(`'${word}' is not a word for a message`);
  }
  return {
    htype: 1,
    hops: 0,
    secs: 0,
    broadcast: false,
    ciaddr: unspecified,
    yiaddr: unspecified,
    siaddr: unspecified,
    giaddr: unspecified,
    sname: noBytes,
    file: noBytes,
    options: own,
    ...base,
    ...fields,
  };
}
