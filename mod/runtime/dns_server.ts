/** The DNS server of the gateway: the forwarder with sockets, a clock and timers. */

import type { Prefix, Prefix4 } from "../addr/prefix.ts";
import { Forwarder, type ForwarderPort } from "../dns/forwarder.ts";
import type { Explanation, ForwarderStats } from "../dns/forwarder_config.ts";
import type { Attempt } from "../dns/pending.ts";
import { listenDatagrams, type Listener, listenStreams, type Peer, type QueryHandler } from "./dns_listeners.ts";
import { openUpstreamSockets, type UpstreamSockets } from "./dns_upstream_sockets.ts";

export type DnsServerOptions = {
  /** UDP and TCP. Port 0: one that is free, the same for both. */
  readonly listen: { readonly address: string; readonly port: number };
  /** Others get no answer. */
  readonly allow: Prefix4;
  readonly clusterZones: readonly string[];
  /** Servers are texts that `parseUpstream` reads. This server itself is left out. */
  readonly clusterServers: readonly string[];
  readonly outsideServers: readonly string[];
  readonly routes?: readonly { readonly zone: string; readonly servers: readonly string[] }[];
  readonly cacheBytes: number;
  /** Networks that outside names must not resolve into, and zones for which they may. */
  readonly rebinding?: { readonly networks: readonly Prefix[]; readonly except: readonly string[] };
  /** Seconds. */
  readonly ttl?: { readonly minimum?: number; readonly maximum?: number; readonly negativeMaximum?: number };
  /** Seconds for which an expired answer may stand in when no server answers (RFC 8767); a day by default. */
  readonly staleSeconds?: number;
  readonly sockets?: UpstreamSockets;
};

export type DnsStats = ForwarderStats;

export interface DnsServer {
  readonly port: number;
  /** Sets the servers of outside names, and forgets what the earlier ones said. @throws {AddressError} */
  setUpstreams(outsideServers: readonly string[]): void;
  stats(): DnsStats;
  /** What would become of the question in `query`, a message. @throws {WireError} when it holds none */
  explain(query: Uint8Array): Explanation;
  /** Whether outside names can be asked for, as far as is known. */
  ready(): boolean;
  close(): Promise<void>;
}

/** Timers are not set closer than this, milliseconds: one tick serves all questions that are due. */
const tickMs = 10;

/**
 * Listens and answers until it is closed.
 *
 * @throws {AddressError} when a server is none
 * @throws what the host says when the address cannot be bound: `EADDRINUSE`, `EADDRNOTAVAIL`, `EACCES`
 */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const sockets = options.sockets ?? await openUpstreamSockets();
  const shell = new DnsShell(options, sockets);
  const datagrams = await listenDatagrams(options.listen, options.allow, shell);
  let streams: Listener;
  try {
    streams = listenStreams({ ...options.listen, port: datagrams.port }, options.allow, shell);
  } catch (error) {
    await datagrams.close();
    throw error;
  }
  return {
    port: datagrams.port,
    setUpstreams: (servers) => shell.setUpstreams(servers),
    stats: () => shell.forwarder.stats(),
    explain: (query) => shell.forwarder.explain(query, performance.now()),
    ready: () => shell.forwarder.isReady,
    close: async () => {
      shell.close();
      await Promise.all([datagrams.close(), streams.close()]);
    },
  };
}

class DnsShell implements QueryHandler, ForwarderPort<Peer> {
  readonly forwarder: Forwarder<Peer>;
  readonly #open = new Map<Attempt<Peer>, { close(): void }>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #isOpen = true;

  constructor(options: DnsServerOptions, readonly sockets: UpstreamSockets) {
    this.forwarder = new Forwarder(
      {
        own: options.listen,
        clusterZones: options.clusterZones,
        clusterServers: options.clusterServers,
        outsideServers: options.outsideServers,
        routes: options.routes ?? [],
        cacheBytes: options.cacheBytes,
        rebinding: options.rebinding ?? { networks: [], except: [] },
        ttl: { minimum: 0, maximum: 86_400, negativeMaximum: 3600, ...options.ttl },
        staleSeconds: options.staleSeconds ?? 86_400,
      },
      secureRandom(),
      this,
    );
  }

  answer(query: Uint8Array, length: number, isStream: boolean, out: Uint8Array): number {
    return this.forwarder.answer(query, length, isStream, out, performance.now());
  }

  askUpstream(query: Uint8Array, isStream: boolean, peer: Peer): void {
    this.forwarder.ask(query, isStream, peer, performance.now());
  }

  setUpstreams(servers: readonly string[]): void {
    this.forwarder.setOutsideServers(servers, performance.now());
    this.flush();
  }

  /** Sets the timer that the forwarder wants. To be called after everything that reaches it. */
  flush(): void {
    const { wakeAt } = this.forwarder;
    if (!this.#isOpen || wakeAt >= this.#timerAt || wakeAt === Infinity) return;
    clearTimeout(this.#timer);
    this.#timerAt = wakeAt;
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      this.forwarder.tick(performance.now());
      this.flush();
    }, Math.max(wakeAt - performance.now(), tickMs));
  }

  reply(client: Peer, _isStream: boolean, message: Uint8Array<ArrayBuffer>, length: number): void {
    if (this.#isOpen) client.reply(message, length);
  }

  ask(attempt: Attempt<Peer>): void {
    const { upstream, transport, message } = attempt;
    const socket = this.sockets.ask(upstream.address, transport, message, {
      received: (bytes, length) => {
        this.forwarder.received(attempt, bytes, length, performance.now());
        this.flush();
      },
      failed: () => {
        this.forwarder.failed(attempt, performance.now());
        this.flush();
      },
    });
    this.#open.set(attempt, socket);
  }

  forget(attempt: Attempt<Peer>): void {
    this.#open.get(attempt)?.close();
    this.#open.delete(attempt);
  }

  close(): void {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    for (const socket of this.#open.values()) socket.close();
    this.#open.clear();
    this.sockets.close();
  }
}

/** Numbers in [0, 1) that cannot be foreseen, drawn many at a time. */
function secureRandom(): () => number {
  const pool = new Uint32Array(1024);
  let left = 0;
  return () => {
    if (left === 0) {
      crypto.getRandomValues(pool);
      left = pool.length;
    }
    return pool[--left]! / 0x1_0000_0000;
  };
}
