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

/** How long each question is waited for before the next server is asked, or the same one again: soon, for it may be lost. */
const waitsMs = [150, 300, 600, 1_050];

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
  const message = lookupQuestion(name, crypto.getRandomValues(new Uint16Array(1))[0]!);
  if (message === undefined) throw new ResolveError(`'${name}' is not a name that can be asked for`);
  const servers = new Set(nameservers);
  const unwilling = new Set<Ipv4>();
  const failures = new Map<Ipv4, string>();
  for (let attempt = 0; attempt < Math.max(waitsMs.length, nameservers.length); attempt++) {
    const server = nameservers[attempt % nameservers.length]!;
    if (unwilling.has(server)) continue;
    try {
      socket.send(message, { address: server, port: dnsPort });
      failures.set(server, "does not answer (if a NetworkPolicy stands here, it must allow UDP port 53)");
      const answered = await awaitAnswer(socket, servers, message, waitsMs[attempt] ?? waitsMs.at(-1)!);
      if (answered === undefined) continue;
      if (answered.answer !== "unwilling") return answered.answer;
      if (unwilling.add(answered.server).size === servers.size) return [];
    } catch (error) {
      failures.set(server, error instanceof Error ? error.message : String(error));
    }
  }
  const reasons = [...failures].filter(([server]) => !unwilling.has(server));
  throw new ResolveError(
    `'${name}' cannot be resolved: ${reasons.map(([server, reason]) => `${formatIpv4(server)} ${reason}`).join(", ")}`,
  );
}

/** The answer of any of `servers`, also to a question that was repeated since; `undefined`: nothing usable came in time. */
async function awaitAnswer(
  socket: UdpSocket,
  servers: ReadonlySet<Ipv4>,
  question: Uint8Array,
  waitMs: number,
): Promise<{ readonly server: Ipv4; readonly answer: LookupAnswer } | undefined> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const datagram = await receiveBefore(socket, deadline);
    if (datagram === undefined) return undefined;
    if (!servers.has(datagram.address) || datagram.port !== dnsPort) continue;
    const answer = readLookup(datagram.bytes, question);
    if (answer !== undefined) return { server: datagram.address, answer };
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
