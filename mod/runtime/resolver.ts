/**
 * Finds the addresses of SERVICE: /etc/hosts, then the Pod's own nameservers with its search list. The questions carry
 * the mark of what may go around the tunnel, which no application's can.
 */

// @ts-types="@types/dns-packet"
import { decode, encode } from "dns-packet";
import { formatIpv4, type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { PgwError } from "../errors.ts";
import { UdpSocket } from "../linux/udp_socket.ts";
import { aroundMark } from "../netstate/names.ts";

/** A name has no address, or nobody could be asked. */
export class ResolveError extends PgwError {}

export type ResolverConfig = {
  readonly nameservers: readonly Ipv4[];
  readonly search: readonly string[];
  /** A name with fewer dots is tried with the search list first. */
  readonly ndots: number;
  /** Text of /etc/hosts. */
  readonly hosts: string;
};

const attempts = 3;
const attemptTimeoutMs = 700;

/** Up to 8 addresses of `name`. @throws {ResolveError} */
export async function resolveName(name: string, config: ResolverConfig): Promise<Ipv4[]> {
  const inHosts = addressesInHosts(config.hosts, name);
  if (inHosts.length > 0) return inHosts;
  if (config.nameservers.length === 0) {
    throw new ResolveError(`'${name}' cannot be resolved: /etc/resolv.conf names no IPv4 nameserver`);
  }
  for (const candidate of candidateNames(name, config)) {
    const addresses = await question(candidate, config.nameservers);
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

/** Asks each nameserver in turn. Empty: the name has no address. */
async function question(name: string, nameservers: readonly Ipv4[]): Promise<Ipv4[]> {
  using socket = UdpSocket.open({ mark: aroundMark });
  let lastFailure = "no answer";
  for (let attempt = 0; attempt < Math.max(attempts, nameservers.length); attempt++) {
    const server = nameservers[attempt % nameservers.length]!;
    const id = crypto.getRandomValues(new Uint16Array(1))[0]!;
    try {
      socket.send(
        Uint8Array.from(encode({ type: "query", id, flags: 0x0100, questions: [{ type: "A", class: "IN", name }] })),
        { address: server, port: 53 },
      );
      const answer = await awaitAnswer(socket, server, id, name);
      if (answer !== undefined) return answer;
      lastFailure = `${formatIpv4(server)} does not answer`;
    } catch (error) {
      lastFailure = `${formatIpv4(server)}: ${error instanceof Error ? error.message : error}`;
    }
  }
  throw new ResolveError(`'${name}' cannot be resolved: ${lastFailure}`);
}

/** `undefined`: nothing usable came in time. */
async function awaitAnswer(socket: UdpSocket, server: Ipv4, id: number, name: string): Promise<Ipv4[] | undefined> {
  const deadline = performance.now() + attemptTimeoutMs;
  for (;;) {
    const datagram = await receiveBefore(socket, deadline);
    if (datagram === undefined) return undefined;
    if (datagram.address !== server || datagram.port !== 53) continue;
    const addresses = readAnswer(datagram.bytes, id, name);
    if (addresses !== undefined) return addresses;
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

/** `undefined`: not the answer to this question, or one that says "ask somebody else". */
function readAnswer(bytes: Uint8Array, id: number, name: string): Ipv4[] | undefined {
  try {
    const message = decode(bytes as Parameters<typeof decode>[0]);
    const asked = message.questions?.[0]?.name.toLowerCase();
    if (message.type !== "response" || message.id !== id || asked !== name.toLowerCase()) return undefined;
    const rcode = (message.flags ?? 0) & 0xf;
    if (rcode !== 0 && rcode !== 3) return undefined;
    return (message.answers ?? []).flatMap((record) => record.type === "A" ? [parseIpv4(record.data)] : []);
  } catch {
    return undefined;
  }
}
