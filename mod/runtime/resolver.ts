/**
 * Finds the addresses of SERVICE: /etc/hosts, then the Pod's own nameservers with its search list. The questions carry
 * the mark of what may go around the tunnel, which no application's can.
 */

import { formatIpv4, type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { type LookupAnswer, lookupQuestion, readLookup } from "../dns/lookup.ts";
import { PgwError } from "../errors.ts";
import { UdpSocket } from "../linux/udp_socket.ts";
import { aroundMark, dnsPort } from "../netstate/names.ts";

/** A name has no address, or nobody could be asked. */
export class ResolveError extends PgwError {}

export type ResolverConfig = {
  readonly nameservers: readonly Ipv4[];
  readonly search: readonly string[];
  /** A name with fewer dots is tried with the search list first. */
  readonly ndots: number;
  /** Text of /etc/hosts. */
  readonly hosts: string;
  /** Without the mark, so that the questions go where an application's do. */
  readonly asApplication?: true;
};

const attempts = 3;
const attemptTimeoutMs = 700;

/** Up to 8 addresses of `name`. @throws {ResolveError} */
export async function resolveName(name: string, config: ResolverConfig): Promise<readonly Ipv4[]> {
  const inHosts = addressesInHosts(config.hosts, name);
  if (inHosts.length > 0) return inHosts;
  if (config.nameservers.length === 0) {
    throw new ResolveError(`'${name}' cannot be resolved: /etc/resolv.conf names no IPv4 nameserver`);
  }
  for (const candidate of candidateNames(name, config)) {
    const addresses = await question(candidate, config);
    if (addresses.length > 0) return addresses.slice(0, 8);
  }
  const servers = config.nameservers.map(formatIpv4).join(", ");
  throw new ResolveError(`'${name}' does not resolve: ${servers} knows no address of that name; is the Service there?`);
}

/** The names that stand for `name` in the order of resolv.conf(5). */
export function candidateNames(name: string, { search, ndots }: Pick<ResolverConfig, "search" | "ndots">): string[] {
  if (name.endsWith(".")) return [name.slice(0, -1)];
  const searched = search.map((domain) => domain === "." ? name : `${name}.${domain.replace(/\.$/, "")}`);
  const dots = name.split(".").length - 1;
  return [...new Set(dots >= ndots ? [name, ...searched] : [...searched, name])];
}

/** The IPv4 addresses that a hosts(5) file gives to `name`. */
export function addressesInHosts(hosts: string, name: string): Ipv4[] {
  const wanted = name.toLowerCase().replace(/\.$/, "");
  return hosts.split("\n").flatMap((line) => {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    return isIpv4(address) && names.some((other) => other.toLowerCase() === wanted) ? [parseIpv4(address)] : [];
  });
}

/**
 * Asks each nameserver in turn. Empty: the name has no address, or nobody wants to say, as a server without upstreams
 * answers (REFUSED, SERVFAIL) when the search list makes a foreign name: then the next name of the list is tried.
 */
async function question(
  name: string,
  { nameservers, asApplication }: ResolverConfig,
): Promise<readonly Ipv4[]> {
  using socket = UdpSocket.open(asApplication ? {} : { mark: aroundMark });
  const failures = new Set<string>();
  let unwilling = 0;
  for (let attempt = 0; attempt < Math.max(attempts, nameservers.length); attempt++) {
    const server = nameservers[attempt % nameservers.length]!;
    const message = lookupQuestion(name, crypto.getRandomValues(new Uint16Array(1))[0]!);
    if (message === undefined) throw new ResolveError(`'${name}' is not a name that can be asked for`);
    try {
      socket.send(message, { address: server, port: dnsPort });
      const answer = await awaitAnswer(socket, server, message);
      if (answer === undefined) {
        failures.add(
          `${formatIpv4(server)} does not answer (if a NetworkPolicy stands here, it must allow UDP port 53)`,
        );
      } else if (answer !== "unwilling") return answer;
      else if (++unwilling >= nameservers.length) return [];
    } catch (error) {
      failures.add(`${formatIpv4(server)}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new ResolveError(`'${name}' cannot be resolved: ${[...failures].join(", ")}`);
}

/** `undefined`: nothing usable came in time. */
async function awaitAnswer(socket: UdpSocket, server: Ipv4, question: Uint8Array): Promise<LookupAnswer | undefined> {
  const deadline = performance.now() + attemptTimeoutMs;
  for (;;) {
    const datagram = await receiveBefore(socket, deadline);
    if (datagram === undefined) return undefined;
    if (datagram.address !== server || datagram.port !== dnsPort) continue;
    const answer = readLookup(datagram.bytes, question);
    if (answer !== undefined) return answer;
  }
}

async function receiveBefore(socket: UdpSocket, deadline: number) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, deadline - performance.now()));
  });
  try {
    return await Promise.race([socket.receive(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
