/** PGW_DHCP_OPTIONS: DHCP options by number or name, written as dnsmasq's `dhcp-option` writes them. */

import { parseIpv4, unspecified } from "../addr/ipv4.ts";
import { parsePrefix } from "../addr/prefix.ts";
import { isSettable } from "../dhcp/server_options.ts";
import { PgwError } from "../errors.ts";
import {
  type ClasslessRoute,
  classlessRoutesValue,
  domainSearchValue,
  ipv4ListValue,
  optionCodes,
  textValue,
  u16Value,
  u32Value,
  u8Value,
} from "../wire/dhcpv4_options.ts";
import { parseHostName } from "./host_name.ts";
import { problemsOf, ValueError } from "./value_error.ts";

/** Makes the bytes of an option from what stands behind its name. */
type ParseOption = (value: string) => Uint8Array;

/** The options that dnsmasq has a name for, and what it takes as their value: by its form where nothing is said here. */
const known: readonly (readonly [code: number, name: string, parse?: ParseOption])[] = [
  [1, "netmask"],
  [2, "time-offset", integer(32, true)],
  [3, "router", addresses],
  [6, "dns-server", addresses],
  [7, "log-server", addresses],
  [9, "lpr-server", addresses],
  [12, "hostname", text],
  [13, "boot-file-size", integer(16)],
  [15, "domain-name", text],
  [16, "swap-server", addresses],
  [17, "root-path", text],
  [18, "extension-path", text],
  [19, "ip-forward-enable", integer(8)],
  [20, "non-local-source-routing", integer(8)],
  [21, "policy-filter", addressPairs],
  [22, "max-datagram-reassembly", integer(16)],
  [23, "default-ttl", integer(8)],
  [26, "mtu", integer(16)],
  [27, "all-subnets-local", integer(8)],
  [28, "broadcast", addresses],
  [31, "router-discovery", integer(8)],
  [32, "router-solicitation", addresses],
  [33, "static-route", addressPairs],
  [34, "trailer-encapsulation", integer(8)],
  [35, "arp-timeout", integer(32)],
  [36, "ethernet-encap", integer(8)],
  [37, "tcp-ttl", integer(8)],
  [38, "tcp-keepalive", integer(32)],
  [40, "nis-domain", text],
  [41, "nis-server", addresses],
  [42, "ntp-server", addresses],
  [43, "vendor-encap"],
  [44, "netbios-ns", addresses],
  [45, "netbios-dd", addresses],
  [46, "netbios-nodetype", integer(8)],
  [47, "netbios-scope"],
  [48, "x-windows-fs", addresses],
  [49, "x-windows-dm", addresses],
  [58, "t1"],
  [59, "t2"],
  [60, "vendor-class"],
  [64, "nis+-domain", text],
  [65, "nis+-server", addresses],
  [66, "tftp-server", text],
  [67, "bootfile-name", text],
  [68, "mobile-ip-home", addresses],
  [69, "smtp-server", addresses],
  [70, "pop3-server", addresses],
  [71, "nntp-server", addresses],
  [74, "irc-server", addresses],
  [77, "user-class"],
  [80, "rapid-commit"],
  [93, "client-arch", integer(16)],
  [94, "client-interface-id"],
  [97, "client-machine-id"],
  [100, "posix-timezone", text],
  [101, "tzdb-timezone", text],
  [108, "ipv6-only", integer(32)],
  [119, "domain-search", domains],
  [120, "sip-server", bytesOr(sipServers)],
  [121, "classless-static-route", bytesOr(routes)],
  [125, "vendor-id-encap"],
  [150, "tftp-server-address", addresses],
  [255, "server-ip-address"],
];
const codeOfName = new Map(known.map(([code, name]) => [name, code]));
const parserOfCode = new Map(known.flatMap(([code, , parse]) => parse === undefined ? [] : [[code, parse]]));
// Microsoft's number of option 121, from before there was that one.
parserOfCode.set(249, bytesOr(routes));

/** Colons between hexadecimal digits alone. */
const bytesForm = /^[0-9a-f:]*:[0-9a-f:]*$/i;
const numberForm = /^[0-9-]*[0-9][0-9-]*[bsi]?$/;
/** A path, which begins with a slash, is none, even if it is all digits. */
const addressForm = /^[0-9., ][0-9., /]*$/;

/** Where to say what a few options would say that cannot be set. */
const settingOfCode = new Map<number, string>([
  [optionCodes.subnetMask, "PGW_VXLAN_IP_NETWORK"],
  [optionCodes.leaseTime, "PGW_DHCP_LEASE_TIME"],
  [optionCodes.renewalTime, "PGW_DHCP_RENEWAL_TIME"],
  [optionCodes.rebindingTime, "PGW_DHCP_REBINDING_TIME"],
]);

/**
 * Options parted by `;` or line ends, each `NUMBER,VALUE` or `option:NAME,VALUE`. Without a value the option is not
 * sent at all, and its value is empty here.
 *
 * Each is what dnsmasq would send, or is refused where that suits no client. Of the options in the table the type is
 * known. Of any other, dotted decimals are addresses, `01:ff` bytes, `7b`, `7s` and `7i` a number of one, two and four
 * bytes, and the rest is text, as is what double quotes are around.
 *
 * @throws {ValueError} with a problem for each option that is wrong
 */
export function dhcpOptions(text: string): ReadonlyMap<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  const problems: string[] = [];
  // What stands between double quotes may hold a semicolon.
  for (const entry of text.match(/("[^"]*"|[^;\n])+/g)?.map((part) => part.trim()) ?? []) {
    if (entry === "") continue;
    try {
      const [code, value] = parseOption(entry);
      if (options.has(code)) throw new ValueError(`option ${code} is there twice: write all its values in one`);
      options.set(code, value);
    } catch (error) {
      if (!(error instanceof PgwError)) throw error;
      problems.push(...problemsOf(error).map((problem) => `in '${entry}': ${problem}`));
    }
  }
  if (problems.length > 0) throw new ValueError(...problems);
  return options;
}

function parseOption(entry: string): [code: number, value: Uint8Array] {
  const comma = entry.indexOf(",");
  const key = (comma < 0 ? entry : entry.slice(0, comma)).trim();
  const code = parseCode(key);
  if (comma < 0) return [code, new Uint8Array(0)];
  const value = (parserOfCode.get(code) ?? byForm)(entry.slice(comma + 1).trim());
  if (value.length === 0) throw new ValueError("the value is empty: write no comma to have the option not sent");
  return [code, value];
}

function parseCode(key: string): number {
  const name = /^option:(.+)$/.exec(key)?.[1];
  const code = name === undefined ? /^[0-9]+$/.test(key) ? Number(key) : NaN : codeOfName.get(name.toLowerCase());
  if (code === undefined) {
    throw new ValueError(
      `'${name}' is not the name of an option: those of \`dnsmasq --help dhcp\` are, or write a number`,
    );
  }
  if (Number.isNaN(code)) {
    throw new ValueError(`'${key}' is not an option: write 42,10.0.0.1 or option:ntp-server,10.0.0.1`);
  }
  if (code === optionCodes.pad || code >= optionCodes.end) {
    throw new ValueError(`'${key}' is not an option that there is: write a number from 1 to 254`);
  }
  const setting = settingOfCode.get(code);
  if (setting !== undefined) throw new ValueError(`option ${code} is what ${setting} says: set that instead`);
  if (!isSettable(code)) throw new ValueError(`option ${code} cannot be set, it is DHCP's own: leave it out`);
  return code;
}

/** The value of an option that nothing is known of. */
function byForm(value: string): Uint8Array {
  if (bytesForm.test(value)) return bytes(value);
  if (numberForm.test(value)) return measuredInteger(value);
  return addressForm.test(value) ? addresses(value) : text(value);
}

/** Such options may be written as they are sent, too. */
function bytesOr(parse: ParseOption): ParseOption {
  return (value) => bytesForm.test(value) ? bytes(value) : parse(value);
}

function measuredInteger(value: string): Uint8Array {
  const [, number, width] = /^(-?[0-9]+)([bsi])$/.exec(value) ?? [];
  if (number === undefined) {
    throw new ValueError(
      `'${value}' is not a number of a certain length: write such as 7b, 7s or 7i (1, 2 or 4 bytes), or "7" for text`,
    );
  }
  return integer(width === "b" ? 8 : width === "s" ? 16 : 32, number.startsWith("-"))(number);
}

function integer(bits: 8 | 16 | 32, isSigned = false): ParseOption {
  const [minimum, maximum] = isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  return (word) => {
    const value = /^-?(0|[1-9][0-9]{0,9})$/.test(word) ? Number(word) : NaN;
    if (!(value >= minimum && value <= maximum)) {
      throw new ValueError(`'${word}' is not a number: write one from ${minimum} to ${maximum}`);
    }
    return bits === 8 ? u8Value(value) : bits === 16 ? u16Value(value) : u32Value(value);
  };
}

function list(value: string): string[] {
  return value.split(",").map((word) => word.trim());
}

function addresses(value: string): Uint8Array {
  const all = list(value).map(parseIpv4);
  if (all.includes(unspecified)) {
    throw new ValueError(
      "'0.0.0.0' is not the gateway's own address here, as it is to dnsmasq: write the address itself",
    );
  }
  return ipv4ListValue(all);
}

/** Destinations with their routers, or addresses with their masks. */
function addressPairs(value: string): Uint8Array {
  if (list(value).length % 2 !== 0) {
    throw new ValueError(`'${value}' is not pairs of addresses: write two for each, such as 10.0.0.1,172.29.0.1`);
  }
  return addresses(value);
}

function domains(value: string): Uint8Array {
  return domainSearchValue(list(value).map(parseHostName));
}

/** Names or addresses, and before them which of both (RFC 3361). */
function sipServers(value: string): Uint8Array {
  return addressForm.test(value) ? Uint8Array.of(1, ...addresses(value)) : Uint8Array.of(0, ...domains(value));
}

/** `10.0.0.0/8,172.29.0.1`: pairs of a destination and the router to it. */
function routes(value: string): Uint8Array {
  const words = list(value);
  const all: ClasslessRoute[] = [];
  for (let index = 0; index < words.length; index += 2) {
    const [network = "", router] = words.slice(index, index + 2);
    const destination = parsePrefix(network);
    if (destination.family === 6 || !network.includes("/")) {
      throw new ValueError(`'${network}' is not an IPv4 network: write an address and a length, such as 10.0.0.0/8`);
    }
    if (router === undefined) {
      throw new ValueError(`'${network}' has no router behind it: write pairs such as 10.0.0.0/8,172.29.0.1`);
    }
    all.push({ destination, router: parseIpv4(router) });
  }
  return classlessRoutesValue(all);
}

function bytes(value: string): Uint8Array {
  if (!/^[0-9a-f]{1,2}(:[0-9a-f]{1,2})*$/i.test(value)) {
    throw new ValueError(
      `'${value}' is not bytes: write them such as 01:04:0a:00:00:01, or in double quotes if it is text`,
    );
  }
  return Uint8Array.from(value.split(":"), (pair) => Number.parseInt(pair, 16));
}

/** Double quotes around the whole keep it from being taken for anything else. */
function text(value: string): Uint8Array {
  const plain = /^"(.*)"$/s.exec(value)?.[1] ?? value;
  if (plain.includes('"')) throw new ValueError(`'${value}' is not text: write double quotes around the whole only`);
  return textValue(plain);
}
