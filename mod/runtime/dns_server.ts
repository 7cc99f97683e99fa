/** The DNS server of the gateway: the forwarder with sockets, a clock and timers. */

import type { Prefix, Prefix4 } from "../addr/prefix.ts";
import { Forwarder, type ForwarderPort, mustAsk } from "../dns/forwarder.ts";
import type { Explanation, ForwarderStats, ZoneRoute } from "../dns/forwarder_config.ts";
import type { Attempt, Listening } from "../dns/pending.ts";
import type { Upstream } from "../dns/upstream.ts";
import {
  listenDatagrams,
  type Listener,
  listenStreams,
  type Peer,
  type QueryHandler,
  streamRoom,
} from "./dns_listeners.ts";
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
  readonly routes?: readonly ZoneRoute[];
  readonly cacheBytes: number;
  /** Networks that outside names must not resolve into, and zones for which they may. */
  readonly rebinding?: { readonly networks: readonly Prefix[]; readonly except: readonly string[] };
  /** Seconds. */
  readonly ttl?: { readonly minimum?: number; readonly maximum?: number; readonly negativeMaximum?: number };
  /** Seconds for which an expired answer may stand in when no server answers (RFC 8767); a day by default. */
  readonly staleSeconds?: number;
  readonly sockets?: UpstreamSockets;
};

/** An answer, and what was known of its question before it was asked. */
export type TracedAnswer = Explanation & {
  readonly message: Uint8Array;
  /** The upstream that was asked and has answered; undefined: nobody needed to be, or nobody did. */
  readonly by: string | undefined;
  readonly tookMs: number;
};

export interface DnsServer {
  readonly port: number;
  /**
   * Sets the servers of outside names, and forgets what the earlier ones said. When there are none, clients are told
   * `absence`. @throws {AddressError}
   */
  setUpstreams(outsideServers: readonly string[], absence?: string): void;
  stats(): ForwarderStats;
  /**
   * Asks `query`, a message, as a client by TCP would, and tells how it was answered. Never settles when the server is
   * closed before.
   *
   * @throws {WireError} when it is no question
   */
  query(query: Uint8Array): Promise<TracedAnswer>;
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
 * @throws {SocketError | Deno.errors.AddrInUse} what the host says when the address cannot be bound
 */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const sockets = options.sockets ?? await openUpstreamSockets();
  const shell = new DnsShell(options, sockets);
  let datagrams: Listener | undefined;
  let streams: Listener;
  try {
    datagrams = await listenDatagrams(options.listen, options.allow, shell);
    streams = listenStreams({ ...options.listen, port: datagrams.port }, options.allow, shell);
  } catch (error) {
    await Promise.all([shell.close(), datagrams?.close()]);
    throw error;
  }
  return {
    port: datagrams.port,
    setUpstreams: (servers, absence) => shell.setUpstreams(servers, absence),
    stats: () => shell.forwarder.stats(),
    query: (query) => shell.query(query),
    ready: () => shell.forwarder.isReady,
    close: async () => {
      await Promise.all([shell.close(), datagrams.close(), streams.close()]);
    },
  };
}

class DnsShell implements QueryHandler, ForwarderPort<Peer> {
  readonly forwarder: Forwarder<Peer>;
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

  setUpstreams(servers: readonly string[], absence?: string): void {
    this.forwarder.setOutsideServers(servers, performance.now(), absence);
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

  /** What is asked for no client but for whoever wants to know how it is answered. */
  query(query: Uint8Array): Promise<TracedAnswer> {
    const startedAt = performance.now();
    const before = this.forwarder.explain(query, startedAt);
    const { promise, resolve } = Promise.withResolvers<TracedAnswer>();
    const reply = (message: Uint8Array, length: number, by?: string) =>
      resolve({ ...before, message: message.slice(0, length), by, tookMs: performance.now() - startedAt });
    const out = new Uint8Array(streamRoom);
    const length = this.answer(query, query.length, true, out);
    if (length === mustAsk) this.askUpstream(query, true, { reply });
    else reply(out, length);
    this.flush();
    return promise;
  }

  reply(client: Peer, _isStream: boolean, message: Uint8Array<ArrayBuffer>, length: number, by?: Upstream): void {
    if (this.#isOpen) client.reply(message, length, by?.name);
  }

  ask(attempt: Attempt<Peer>): Listening {
    const { upstream, transport, message } = attempt;
    return this.sockets.ask(upstream.address, transport, message, {
      received: (bytes, length) => {
        this.forwarder.received(attempt, bytes, length, performance.now());
        this.flush();
      },
      failed: () => {
        this.forwarder.failed(attempt, performance.now());
        this.flush();
      },
    });
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.forwarder.close();
    await this.sockets.close();
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
