/** Port forwards as a user writes them: as a setting, or as the file `nat.conf` of angelnu/pod-gateway. */

import { type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { contains, formatPrefix, hostAddress, isHostAddress, type Prefix4 } from "../addr/prefix.ts";
import { PgwError } from "../errors.ts";
import type { ForwardedClient, PortForward } from "../netstate/port_forward.ts";
import { ValueError } from "./value_error.ts";
import { port as parsePort } from "./values.ts";

/** A whole host name in DHCP is one label (RFC 2132 section 3.14 allows more, a Pod's name is one). */
const hostName = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const form = /^(?:(tcp|udp):)?([0-9]+)(?:-([0-9]+))?=([^:=]+)(?::([0-9]+))?$/;

/**
 * `[tcp:|udp:]PORT[-PORT]=CLIENT[:PORT]`, where CLIENT is a host name or an address in the overlay; without a protocol
 * both are meant: `tcp:18289=transmission`, `29206=plex:32400`, `udp:5000-5010=172.29.0.10`.
 */
export function portForward(text: string): PortForward[] {
  const [, protocol, firstText, lastText, clientText = "", toText] = form.exec(text) ?? [];
  if (firstText === undefined) {
    throw new ValueError(
      `'${text}' is not a port forward: write [tcp:|udp:]PORT=CLIENT[:PORT], such as tcp:18289=transmission:51413`,
    );
  }
  const first = parsePort(firstText);
  const last = lastText === undefined ? first : parsePort(lastText);
  if (last < first) throw new ValueError(`'${text}': the ports ${first}-${last} end before they begin`);
  if (toText !== undefined && last !== first) {
    throw new ValueError(`'${text}': a range of ports keeps its numbers: leave out ':${toText}'`);
  }
  const client = isIpv4(clientText)
    ? { kind: "address", address: parseIpv4(clientText) } as const
    : { kind: "name", name: parseName(clientText) } as const;
  const to = toText === undefined ? {} : { toPort: parsePort(toText) };
  const protocols = protocol === "tcp" || protocol === "udp" ? [protocol] as const : ["tcp", "udp"] as const;
  return protocols.map((protocol) => ({ protocol, ports: { first, last }, client, ...to }));
}

/**
 * Reads `nat.conf`: on each line a host name, the number of its address in the network, and ports, as in
 * `transmission 10 tcp:18289,udp:18289`. A port may be followed by the client's own: `tcp:29206:32400`.
 *
 * @throws {ValueError} with the problems of all lines
 */
export function parseNatFile(text: string, network: Prefix4): PortForward[] {
  const problems: string[] = [];
  const forwards = text.split("\n").flatMap((whole, index) => {
    const words = whole.trim().split(/\s+/);
    if (words[0] === "" || words[0]!.startsWith("#")) return [];
    try {
      return parseNatLine(words, network);
    } catch (error) {
      if (!(error instanceof PgwError)) throw error;
      problems.push(`line ${index + 1}: ${error.message}`);
      return [];
    }
  });
  if (problems.length > 0) throw new ValueError(...problems);
  return forwards;
}

function parseNatLine(
  [nameText = "", hostText, portsText, ...rest]: readonly string[],
  network: Prefix4,
): PortForward[] {
  if (hostText === undefined || portsText === undefined || rest.length > 0) {
    throw new ValueError("write a host name, a number and ports, such as 'transmission 10 tcp:18289,udp:18289'");
  }
  const client: ForwardedClient = { kind: "name", name: parseName(nameText), fallback: hostOf(hostText, network) };
  return portsText.split(",").map((text) => {
    const [, protocol, port = "", to] = /^(tcp|udp):([0-9]+)(?::([0-9]+))?$/.exec(text) ?? [];
    if (protocol !== "tcp" && protocol !== "udp") {
      throw new ValueError(`'${text}' is not a port: write tcp:PORT, udp:PORT or tcp:PORT:PORT-OF-THE-CLIENT`);
    }
    const first = parsePort(port);
    return { protocol, ports: { first, last: first }, client, ...(to === undefined ? {} : { toPort: parsePort(to) }) };
  });
}

function hostOf(text: string, network: Prefix4): Ipv4 {
  const address = isIpv4(text)
    ? parseIpv4(text)
    : /^[1-9][0-9]{0,4}$/.test(text)
    ? hostAddress(network, Number(text))
    : undefined;
  if (address === undefined || !contains(network, address)) {
    throw new ValueError(`'${text}' is not the number of a host in ${formatPrefix(network)}`);
  }
  return address;
}

function parseName(text: string): string {
  const name = text.toLowerCase();
  if (!hostName.test(name)) {
    throw new ValueError(`'${text}' is neither an address nor the name of a client: write its host name, without dots`);
  }
  return name;
}

/** What is wrong with forwards taken together. */
export function forwardProblems(forwards: readonly PortForward[], network: Prefix4, gateway: Ipv4): string[] {
  const problems: string[] = [];
  forwards.forEach(({ protocol, ports, client }, index) => {
    const text = `${protocol}:${ports.first}`;
    const earlier = forwards.slice(0, index).find((other) =>
      other.protocol === protocol && other.ports.first <= ports.last && ports.first <= other.ports.last
    );
    if (earlier !== undefined) problems.push(`'${text}' is forwarded twice: one port leads to one client`);
    const address = client.kind === "address" ? client.address : client.fallback;
    if (address !== undefined && (address === gateway || !isHostAddress(network, address))) {
      problems.push(
        `'${text}' does not lead to a client: its address must be a host's in ${
          formatPrefix(network)
        }, behind the gateway's`,
      );
    }
  });
  return problems;
}
