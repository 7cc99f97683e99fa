/** What iptables would do with a packet: enough of it for our own rules, and an error for what is not known here. */

import { parsePrefix, type Prefix } from "../../../mod/addr/prefix.ts";
import type { Chain, Firewall } from "../../../mod/netstate/state.ts";

export type Packet = {
  readonly family: 4 | 6;
  /** Absent: a process of this host sends it. */
  readonly in?: string;
  /** Absent: a process of this host gets it, or it is not routed yet. */
  readonly out?: string;
  readonly source: string;
  readonly destination: string;
  readonly protocol: "tcp" | "udp" | "icmp" | "ipv6-icmp" | "sctp";
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** TCP: a SYN without ACK. */
  readonly syn?: boolean;
  readonly icmpType?: number;
  readonly connection: "NEW" | "ESTABLISHED" | "RELATED" | "INVALID";
  /** Whether it answers the connection's first packet. */
  readonly isReply?: boolean;
  readonly mark: number;
  readonly connectionMark: number;
  /** Whether {@link destination} is an address of this host. */
  readonly toThisHost: boolean;
  /** Its destination was translated (conntrack's DNAT). */
  readonly translated?: boolean;
};

export type Outcome = {
  /** `pass`: our chain has nothing against it, and the next rules are asked. */
  readonly verdict: "pass" | "accept" | "drop" | "reject";
  readonly packet: Packet;
};

/** Leads `packet` through our chains of `table` at `hook`. */
export function evaluate(firewall: Firewall, table: Chain["table"], hook: Chain["hook"], packet: Packet): Outcome {
  return firewall.chains.filter((chain) => chain.table === table && chain.hook === hook).reduce<Outcome>(
    (outcome, chain) => outcome.verdict === "pass" ? evaluateChain(chain, outcome.packet) : outcome,
    { verdict: "pass", packet },
  );
}

function evaluateChain({ rules }: Chain, packet: Packet): Outcome {
  let current = packet;
  for (const text of rules) {
    const rule = parse(text);
    if (!rule.matches.every((match) => match.test(current) !== match.negated)) continue;
    const { verdict, packet: changed } = rule.act(current);
    current = changed;
    if (verdict !== undefined) return { verdict, packet: current };
  }
  return { verdict: "pass", packet: current };
}

type Match = { readonly negated: boolean; readonly test: (packet: Packet) => boolean };
type Action = (packet: Packet) => { readonly verdict?: Outcome["verdict"]; readonly packet: Packet };
type Rule = { readonly matches: readonly Match[]; readonly act: Action };

const parsed = new Map<string, Rule>();

function parse(text: string): Rule {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const words = text.split(" ");
  const jump = words.indexOf("-j");
  if (jump < 0) throw new Error(`'${text}' has no target`);
  const rule = { matches: parseMatches(words.slice(0, jump), text), act: parseAction(words.slice(jump + 1), text) };
  parsed.set(text, rule);
  return rule;
}

function parseMatches(words: readonly string[], text: string): Match[] {
  const matches: Match[] = [];
  let module = "";
  for (let index = 0; index < words.length; index++) {
    const negated = words[index] === "!";
    if (negated) index++;
    const option = words[index]!;
    if (option === "--syn") {
      matches.push({ negated, test: (packet) => packet.syn === true });
      continue;
    }
    const value = words[++index];
    if (value === undefined) throw new Error(`'${text}': '${option}' has no value`);
    if (option === "-m") module = value;
    else if (option === "--tcp-flags") {
      const of = `${value} ${words[++index]}`;
      if (of !== "SYN,RST SYN") throw new Error(`'${text}': the flags are not known here`);
      matches.push({ negated, test: (packet) => packet.syn === true });
    } else matches.push({ negated, test: parseMatch(option, value, module, text) });
  }
  return matches;
}

function parseMatch(option: string, value: string, module: string, text: string): Match["test"] {
  switch (option) {
    case "-i":
      return (packet) => packet.in === value;
    case "-o":
      return (packet) => packet.out === value;
    case "-p":
      return (packet) => packet.protocol === value;
    case "-s":
      return ((prefix) => (packet: Packet) => holds(prefix, packet.source))(parsePrefix(value));
    case "-d":
      return ((prefix) => (packet: Packet) => holds(prefix, packet.destination))(parsePrefix(value));
    case "--sport":
      return (packet) => isInPorts(packet.sourcePort, value);
    case "--dport":
      return (packet) => isInPorts(packet.destinationPort, value);
    case "--icmp-type":
    case "--icmpv6-type":
      return (packet) => packet.icmpType === Number(value);
    case "--ctstate":
      return (packet) =>
        value.split(",").some((state) => state === "DNAT" ? packet.translated === true : state === packet.connection);
    case "--ctdir":
      if (value === "REPLY") return (packet) => packet.isReply === true;
      if (value === "ORIGINAL") return (packet) => packet.isReply !== true;
      break;
    case "--dst-type":
      if (value === "LOCAL") return (packet) => packet.toThisHost;
      break;
    case "--mark":
      if (module === "mark") return (packet) => packet.mark === Number(value);
      if (module === "connmark") return (packet) => packet.connectionMark === Number(value);
  }
  throw new Error(`'${text}': '${option} ${value}' is not known here`);
}

function parseAction([target, ...options]: readonly string[], text: string): Action {
  const [option, value = ""] = options;
  switch (`${target} ${option ?? ""}`.trim()) {
    case "RETURN":
      return (packet) => ({ verdict: "pass", packet });
    case "ACCEPT":
      return (packet) => ({ verdict: "accept", packet });
    case "DROP":
      return (packet) => ({ verdict: "drop", packet });
    case "REJECT --reject-with":
      return (packet) => ({ verdict: "reject", packet });
    case "MARK --set-mark":
      return (packet) => ({ packet: { ...packet, mark: Number(value) } });
    case "CONNMARK --set-mark":
      return (packet) => ({ packet: { ...packet, connectionMark: Number(value) } });
    case "DNAT --to-destination":
      return (packet) => ({ verdict: "accept", packet: translate(packet, value) });
    case "MASQUERADE":
    case "SNAT --to-source":
      return (packet) => ({ verdict: "accept", packet });
    case "TCPMSS --clamp-mss-to-pmtu":
      return (packet) => ({ packet });
  }
  throw new Error(`'${text}': the target is not known here`);
}

/** `53`, or `32768:65535`. */
function isInPorts(port: number | undefined, ports: string): boolean {
  const [first, last = first] = ports.split(":").map(Number);
  return port !== undefined && port >= first! && port <= last!;
}

function translate(packet: Packet, to: string): Packet {
  const [address = "", port] = to.split(":");
  return {
    ...packet,
    translated: true,
    ...(address === "" ? {} : { destination: address, toThisHost: false }),
    ...(port === undefined ? {} : { destinationPort: Number(port) }),
  };
}

const addresses = new Map<string, Prefix>();

/** Whether `address`, a text, is in `prefix`. */
export function holds(prefix: Prefix, address: string): boolean {
  const { family, address: bits } = addresses.get(address) ?? parsePrefix(address);
  if (!addresses.has(address)) addresses.set(address, parsePrefix(address));
  if (prefix.family === 4 && family === 4) {
    return prefix.length === 0 || (Number(bits) >>> (32 - prefix.length)) === (prefix.address >>> (32 - prefix.length));
  }
  if (prefix.family === 6 && family === 6) {
    return BigInt(bits) >> BigInt(128 - prefix.length) === prefix.address >> BigInt(128 - prefix.length);
  }
  return false;
}
