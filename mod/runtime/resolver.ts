/**
 * Finds the addresses of SERVICE: /etc/hosts, then the Pod's own nameservers with its search list. The questions carry
 * the mark of what may go around the tunnel, which no application's can.
 */

import { formatIpv4, type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { lookupQuestion, readLookup } from "../dns/lookup.ts";
import { PgwError } from "../errors.ts";
import { type Datagram, UdpSocket } from "../linux/udp_socket.ts";
import { aroundMark, dnsPort } from "../netstate/names.ts";
import { messageOf } from "./failure.ts";

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

/** How long a round of questions is waited for; soon the next server is asked, or the same one again: it may be lost. */
const waitsMs = [150, 300, 600, 1_050];

/** Up to 8 addresses of `name`. @throws {ResolveError} */
export async function resolveName(name: string, config: ResolverConfig): Promise<readonly Ipv4[]> {
  const inHosts = addressesInHosts(config.hosts, name);
  if (inHosts.length > 0) return inHosts;
  const { nameservers } = config;
  if (nameservers.length === 0) {
    throw new ResolveError(`'${name}' cannot be resolved: /etc/resolv.conf names no IPv4 nameserver`);
  }
  const lookups = candidateNames(name, config).flatMap(newLookup);
  if (lookups.length === 0) throw new ResolveError(`'${name}' is not a name that can be asked for`);
  const addresses = await search(lookups, config);
  if (addresses !== undefined) return addresses.slice(0, 8);
  const unanswered = lookups.find((lookup) => lookup.addresses === undefined);
  if (unanswered !== undefined) {
    const asked = unanswered.name === name ? "" : `asked for '${unanswered.name}', `;
    const reasons = reasonsOf(unanswered, nameservers, lookups.some((lookup) => lookup.addresses !== undefined));
    throw new ResolveError(`'${name}' cannot be resolved: ${asked}${reasons}`);
  }
  const servers = nameservers.map(formatIpv4).join(", ");
  throw new ResolveError(`'${name}' does not resolve: ${servers} knows no address of that name; is the Service there?`);
}

/**
 * The names that stand for `name` in the order of resolv.conf(5). The full name of a Service, whose domain a Pod's search
 * list tells, stands for itself alone: with the search domains of the node, which the kubelet adds to that list, it would
 * be asked for outside the cluster first, where nobody may answer, and nobody who does has the Service.
 */
export function candidateNames(name: string, { search, ndots }: Pick<ResolverConfig, "search" | "ndots">): string[] {
  if (name.endsWith(".")) return [name.slice(0, -1)];
  if (search.some((domain) => domain.startsWith("svc.") && name.endsWith(`.${domain}`))) return [name];
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

/** The question about one of the names that stand for the user's, and what came of it. */
type Lookup = {
  readonly name: string;
  readonly question: Uint8Array<ArrayBuffer>;
  /**
   * Empty: the name has no address, or nobody wants to say, as a server without upstreams answers (REFUSED, SERVFAIL) when
   * the search list makes a foreign name. `undefined`: not known.
   */
  addresses?: readonly Ipv4[];
  readonly unwilling: Set<Ipv4>;
  /** Why the question could not be sent. */
  readonly failures: Map<Ipv4, string>;
};

function newLookup(name: string): Lookup[] {
  const question = lookupQuestion(name, crypto.getRandomValues(new Uint16Array(1))[0]!);
  return question === undefined ? [] : [{ name, question, unwilling: new Set(), failures: new Map() }];
}

/**
 * The addresses of the first name that has some. Each nameserver is asked in turn, about one name after the other as long
 * as they are answered. Once one is not, all that are left are asked about at once: so the time that silence takes is not
 * taken by each name, and a name that is answered counts although one before it is not, when that one's time is over.
 */
async function search(
  lookups: readonly Lookup[],
  { nameservers, asApplication }: ResolverConfig,
): Promise<readonly Ipv4[] | undefined> {
  using socket = UdpSocket.open(asApplication ? {} : { mark: aroundMark });
  const servers = new Set(nameservers);
  for (let round = 0; round < Math.max(waitsMs.length, nameservers.length); round++) {
    const server = nameservers[round % nameservers.length]!;
    const isOpen = ({ addresses, unwilling }: Lookup) => addresses === undefined && !unwilling.has(server);
    const open = lookups.filter(isOpen);
    for (const group of round === 0 ? open.map((lookup) => [lookup]) : [open]) {
      const asked = group.filter((lookup) => isSent(socket, lookup, server));
      const deadline = performance.now() + (waitsMs[round] ?? waitsMs.at(-1)!);
      while (firstFound(lookups) === undefined && asked.some(isOpen)) {
        const datagram = await receiveBefore(socket, deadline);
        if (datagram === undefined) break;
        if (servers.has(datagram.address) && datagram.port === dnsPort) take(datagram, lookups, servers.size);
      }
      const found = firstFound(lookups);
      if (found !== undefined) return found;
      if (group.some(({ addresses }) => addresses === undefined)) break;
    }
  }
  return lookups.find(({ addresses = [] }) => addresses.length > 0)?.addresses;
}

/** What the first name has of which it is not known that it has none. */
function firstFound(lookups: readonly Lookup[]): readonly Ipv4[] | undefined {
  return lookups.find(({ addresses }) => addresses?.length !== 0)?.addresses;
}

function isSent(socket: UdpSocket, { question, failures }: Lookup, server: Ipv4): boolean {
  try {
    socket.send(question, { address: server, port: dnsPort });
    failures.delete(server);
    return true;
  } catch (error) {
    failures.set(server, messageOf(error));
    return false;
  }
}

/** Takes the answer of any server, also to a question that was repeated since. */
function take({ bytes, address }: Datagram, lookups: readonly Lookup[], servers: number): void {
  for (const lookup of lookups) {
    const answer = readLookup(bytes, lookup.question);
    if (answer === undefined || lookup.addresses !== undefined) continue;
    if (answer !== "unwilling") lookup.addresses = answer;
    else if (lookup.unwilling.add(address).size === servers) lookup.addresses = [];
  }
}

/** Why `lookup` has no answer, by server. `isHeard`: there were answers about other names. */
function reasonsOf({ unwilling, failures }: Lookup, nameservers: readonly Ipv4[], isHeard: boolean): string {
  const silent = isHeard
    ? "does not answer (about other names it does: do the servers answer that it asks itself?)"
    : "does not answer (if a NetworkPolicy stands here, it must allow UDP port 53)";
  return nameservers.filter((server) => !unwilling.has(server))
    .map((server) => `${formatIpv4(server)} ${failures.get(server) ?? silent}`).join(", ");
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
