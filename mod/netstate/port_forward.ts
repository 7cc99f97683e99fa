/** Ports of the VPN's side that lead to clients: from what the user wrote and the leases to rules. */

import { formatIpv4, type Ipv4 } from "../addr/ipv4.ts";

/** Ports of the VPN's address, and the client that gets what comes in for them. */
export type PortForward = {
  readonly protocol: "tcp" | "udp";
  /** The first and the last one. */
  readonly ports: { readonly first: number; readonly last: number };
  readonly client: ForwardedClient;
  /** The client's port; absent: the same. */
  readonly toPort?: number;
};

export type ForwardedClient =
  | { readonly kind: "address"; readonly address: Ipv4 }
  /** Its DHCP host name, which is its Pod's, or what that name begins with. `fallback`: its address when no lease tells. */
  | { readonly kind: "name"; readonly name: string; readonly fallback?: Ipv4 };

/** A forward that leads somewhere. */
export type LedForward = Omit<PortForward, "client"> & { readonly address: Ipv4 };

/** What is to be known of a lease. Absent `hostName`: its client told none. `until`: when it ends, milliseconds. */
export type NamedLease = {
  readonly address: Ipv4;
  readonly isBound: boolean;
  readonly until: number;
  readonly hostName?: string;
};

/** Of so many clients that fit one name the newest are remembered: there is another when the newest goes. */
const holdersKept = 16;

/** A client with a name, and when its lease ends. */
type Holder = Pick<NamedLease, "address" | "until">;

/** Who holds the names that forwards lead to, from one lease to the next. Names come from strangers: they stay in here. */
export class NamedClients {
  /** By name, the newest client last. */
  readonly #holders: ReadonlyMap<string, Holder[]>;

  constructor(forwards: readonly PortForward[]) {
    const names = forwards.flatMap(({ client }) => client.kind === "name" ? [client.name] : []);
    this.#holders = new Map(names.map((name) => [name, []]));
  }

  /** Whether any name is forwarded to. */
  get isWanted(): boolean {
    return this.#holders.size > 0;
  }

  /** When the next of the leases ends, if it is not renewed; `Infinity`: there is none. */
  get nextEnd(): number {
    return Math.min(...this.#all().map(({ until }) => until));
  }

  /** To be told of each lease that is given, renewed or given back. Whether a name leads elsewhere from now on. */
  learn({ address, isBound, until, hostName }: NamedLease): boolean {
    let isChanged = false;
    for (const [name, holders] of this.#holders) {
      const before = holders.at(-1)?.address;
      const fits = isBound && hostName !== undefined && belongsTo(hostName, name);
      const known = holders.findIndex((holder) => holder.address === address);
      // One that renews its lease does not become the newest by that.
      const at = known < 0 ? holders.length : known;
      holders.splice(at, 1, ...(fits ? [{ address, until }] : []));
      if (holders.length > holdersKept) holders.shift();
      isChanged ||= holders.at(-1)?.address !== before;
    }
    return isChanged;
  }

  /** Leases that have ended are nobody's: a client that was killed gives none back. Whether a name leads elsewhere. */
  expire(now: number): boolean {
    const ended = this.#all().filter(({ until }) => until <= now);
    const changes = ended.map((holder) => this.learn({ ...holder, isBound: false }));
    return changes.includes(true);
  }

  /** Where `forwards` lead. One to a client that is not there leads nowhere. */
  lead(forwards: readonly PortForward[]): LedForward[] {
    return forwards.flatMap(({ client, ...forward }) => {
      const address = client.kind === "address"
        ? client.address
        : this.#holders.get(client.name)?.at(-1)?.address ?? client.fallback;
      return address === undefined ? [] : [{ ...forward, address }];
    });
  }

  #all(): Holder[] {
    return [...this.#holders.values()].flat();
  }
}

/** What Kubernetes appends: the ordinal of a StatefulSet, or hashes, in letters that make no words. */
const podSuffix = /^-([0-9]+|([bcdfghjklmnpqrstvwxz0-9]{1,10}-)?[bcdfghjklmnpqrstvwxz0-9]{5})$/;

/** Whether a host is `name`, or a Pod of the Deployment, StatefulSet, DaemonSet or Job of that name. */
export function belongsTo(hostName: string, name: string): boolean {
  const [host = ""] = hostName.toLowerCase().split(".");
  return host === name || (host.startsWith(name) && podSuffix.test(host.slice(name.length)));
}

/** Rules of the table `nat`: what comes in by `vpnInterface` for such a port goes to the client. */
export function translateForwards(forwards: readonly LedForward[], vpnInterface: string): string[] {
  return forwards.map(({ protocol, ports, address, toPort }) => {
    const to = `${formatIpv4(address)}${toPort === undefined ? "" : `:${toPort}`}`;
    return `-i ${vpnInterface} -p ${protocol} -m ${protocol} --dport ${range(ports)} -j DNAT --to-destination ${to}`;
  });
}

/** Rules of the table `filter`: new connections of forwards, and no others, are let in. */
export function admitForwards(forwards: readonly LedForward[], vpnInterface: string, device: string): string[] {
  return forwards.map(({ protocol, ports, address, toPort }) => {
    const port = toPort === undefined ? range(ports) : toPort;
    return `-d ${
      formatIpv4(address)
    }/32 -i ${vpnInterface} -o ${device} -p ${protocol} -m ${protocol} --dport ${port} ` +
      "-m conntrack --ctstate DNAT -j ACCEPT";
  });
}

function range({ first, last }: PortForward["ports"]): string {
  return first === last ? `${first}` : `${first}:${last}`;
}
