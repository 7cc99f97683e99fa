/** PGW_DHCP_OPTIONS: DHCP options by number or name, written as dnsmasq's `dhcp-option` writes them. */

import { type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";
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

/** Makes the bytes of an option from the words behind its name, which commas part. */
type ParseWords = (words: readonly string[]) => Uint8Array;

const known: readonly (readonly [code: number, name: string, parse: ParseWords])[] = [
  [2, "time-offset", one(integer(32, true))],
  [3, "router", addresses],
  [4, "time-server", addresses],
  [6, "dns-server", addresses],
  [7, "log-server", addresses],
  [9, "lpr-server", addresses],
  [13, "boot-file-size", one(integer(16))],
  [15, "domain-name", text],
  [16, "swap-server", addresses],
  [17, "root-path", text],
  [18, "extension-path", text],
  [19, "ip-forward-enable", one(integer(8))],
  [20, "non-local-source-routing", one(integer(8))],
  [21, "policy-filter", addresses],
  [22, "max-datagram-reassembly", one(integer(16))],
  [23, "default-ttl", one(integer(8))],
  [26, "mtu", one(integer(16))],
  [27, "all-subnets-local", one(integer(8))],
  [31, "router-discovery", one(integer(8))],
  [32, "router-solicitation", addresses],
  [33, "static-route", addresses],
  [34, "trailer-encapsulation", one(integer(8))],
  [35, "arp-timeout", one(integer(32))],
  [36, "ethernet-encap", one(integer(8))],
  [37, "tcp-ttl", one(integer(8))],
  [38, "tcp-keepalive", one(integer(32))],
  [40, "nis-domain", text],
  [41, "nis-server", addresses],
  [42, "ntp-server", addresses],
  [43, "vendor-encap", bytes],
  [44, "netbios-ns", addresses],
  [45, "netbios-dd", addresses],
  [46, "netbios-nodetype", one(integer(8))],
  [47, "netbios-scope", text],
  [48, "x-windows-fs", addresses],
  [49, "x-windows-dm", addresses],
  [60, "vendor-class", text],
  [64, "nis+-domain", text],
  [65, "nis+-server", addresses],
  [66, "tftp-server", text],
  [67, "bootfile-name", text],
  [68, "mobile-ip-home", addresses],
  [69, "smtp-server", addresses],
  [70, "pop3-server", addresses],
  [71, "nntp-server", addresses],
  [74, "irc-server", addresses],
  [100, "posix-timezone", text],
  [101, "tzdb-timezone", text],
  [108, "ipv6-only", one(integer(32))],
  [119, "domain-search", (words) => domainSearchValue(words.map(parseHostName))],
  [121, "classless-static-route", routes],
  [150, "tftp-server-address", addresses],
  [252, "wpad", text],
];
const parserOfCode = new Map(known.map(([code, , parse]) => [code, parse]));
const codeOfName = new Map(known.map(([code, name]) => [name, code]));

/**
 * Options parted by `;` or line ends, each `NUMBER,VALUE` or `option:NAME,VALUE`. Without a value the option is not
 * sent at all, and its value is empty here.
 *
 * Of a known option the type is known. Of any other, dotted decimals are addresses, `01:ff` bytes, `7b`, `7s` and `7i` a
 * number of one, two and four bytes, and the rest is text.
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
      if (options.has(code)) throw new ValueError(`option ${code} is there twice`);
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
  const rest = entry.slice(comma + 1).trim();
  const quoted = /^"([^"]*)"$/.exec(rest)?.[1];
  const value = quoted === undefined
    ? (parserOfCode.get(code) ?? guess)(rest.split(",").map((word) => word.trim()))
    : textValue(quoted);
  if (value.length === 0) throw new ValueError("the value is empty: write no comma to have the option not sent");
  return [code, value];
}

function parseCode(key: string): number {
  const name = /^option:(.+)$/.exec(key)?.[1];
  const code = name === undefined ? /^[0-9]{1,3}$/.test(key) ? Number(key) : NaN : codeOfName.get(name);
  if (code === undefined) {
    throw new ValueError(
      `'${name}' is not the name of an option: those of \`dnsmasq --help dhcp\` are, or write a number`,
    );
  }
  if (Number.isNaN(code)) {
    throw new ValueError(`'${key}' is not an option: write 42,10.0.0.1 or option:ntp-server,10.0.0.1`);
  }
  if (!isSettable(code) || code === optionCodes.subnetMask) {
    throw new ValueError(`option ${code} cannot be set: it is DHCP's own, or follows from other settings`);
  }
  return code;
}

/** Words of an option that nothing is known of. */
function guess(words: readonly string[]): Uint8Array {
  const [first = ""] = words;
  if (words.every(isIpv4)) return addresses(words);
  if (words.length > 1) return text(words);
  if (/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2})*$/.test(first) && first.includes(":")) return bytes(words);
  const [, number, width] = /^([0-9]+)([bsi]?)$/.exec(first) ?? [];
  if (number === undefined) return text(words);
  if (width === "") {
    throw new ValueError(`say how long the number is: ${number}b, ${number}s or ${number}i (1, 2, 4 bytes)`);
  }
  return integer(width === "b" ? 8 : width === "s" ? 16 : 32)(number);
}

function one(parse: (word: string) => Uint8Array): ParseWords {
  return ([word = "", ...rest]) => {
    if (rest.length > 0) throw new ValueError("it has one value only");
    return parse(word);
  };
}

function integer(bits: 8 | 16 | 32, isSigned = false): (word: string) => Uint8Array {
  const [minimum, maximum] = isSigned ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  return (word) => {
    const value = /^-?(0|[1-9][0-9]{0,9})$/.test(word) ? Number(word) : NaN;
    if (!(value >= minimum && value <= maximum)) {
      throw new ValueError(`'${word}' is not a number from ${minimum} to ${maximum}`);
    }
    return bits === 8 ? u8Value(value) : bits === 16 ? u16Value(value) : u32Value(value);
  };
}

function addresses(words: readonly string[]): Uint8Array {
  return ipv4ListValue(words.map(parseIpv4));
}

function text(words: readonly string[]): Uint8Array {
  return textValue(words.join(","));
}

function bytes([word = "", ...rest]: readonly string[]): Uint8Array {
  if (rest.length > 0 || !/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2})*$/.test(word)) {
    throw new ValueError(`'${[word, ...rest].join(",")}' is not bytes: write them such as 01:04:0a:00:00:01`);
  }
  return Uint8Array.from(word.split(":"), (pair) => Number.parseInt(pair, 16));
}

/** `10.0.0.0/8,172.29.0.1`: pairs of a destination and the router to it. */
function routes(words: readonly string[]): Uint8Array {
  const list: ClasslessRoute[] = [];
  for (let index = 0; index < words.length; index += 2) {
    const destination = parsePrefix(words[index]!);
    if (destination.family === 6) throw new ValueError(`'${words[index]}' is not an IPv4 network`);
    const router: Ipv4 = parseIpv4(words[index + 1] ?? "");
    list.push({ destination, router });
  }
  return classlessRoutesValue(list);
}
