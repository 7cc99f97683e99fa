/** What the forwarder is set up with, and what it tells about itself. */

import type { Prefix } from "../addr/prefix.ts";
import type { HistogramCounts } from "../health/histogram.ts";
import type { TtlLimits } from "./response.ts";
import type { UpstreamGroup } from "./upstream.ts";

export type ForwarderConfig = {
  /** Where this server listens: never an upstream. */
  readonly own: { readonly address: string; readonly port: number };
  /** Zones of the cluster, and its servers (texts that `parseUpstream` reads). */
  readonly clusterZones: readonly string[];
  readonly clusterServers: readonly string[];
  /** Servers of all other names. */
  readonly outsideServers: readonly string[];
  /** Where names of some zones go; where one is also a cluster zone, this counts. */
  readonly routes: readonly ZoneRoute[];
  readonly cacheBytes: number;
  readonly rebinding: { readonly networks: readonly Prefix[]; readonly except: readonly string[] };
  readonly ttl: TtlLimits;
  /** Seconds for which an expired answer may still be given when no server answers (RFC 8767); 0 for never. */
  readonly staleSeconds: number;
};

/** Names of `zone` (`.` is all of them) go to the cluster's servers, to those of the outside, or to its own. */
export type ZoneRoute = { readonly zone: string; readonly servers: "cluster" | "outside" | readonly string[] };

/** Where questions of some zones go. */
export type Route = {
  /** `cluster`, `outside`, or the zone that a setting names. */
  readonly name: string;
  readonly isOutside: boolean;
  group: UpstreamGroup;
  /** Why there is nobody in `group`, for the clients. */
  absence: string;
  /** Questions on their way: bounded for each route, so that a flood of one kind leaves the others alone. */
  pending: number;
};

/** What would become of a question now. */
export type Explanation = {
  /** `cluster`, `outside`, `nobody`, or the zone of a setting. */
  readonly route: string;
  readonly servers: readonly string[];
  readonly cache: "fresh" | "stale" | "absent";
  /** Seconds for which a fresh answer stays so. */
  readonly ttl: number;
};

export type ForwarderStats = {
  readonly queries: number;
  readonly cacheHits: number;
  readonly staleAnswers: number;
  readonly localAnswers: number;
  readonly joined: number;
  readonly forwarded: number;
  readonly prefetched: number;
  readonly failures: number;
  readonly malformedQueries: number;
  /** Responses that did not match what was asked: strays or forgeries. */
  readonly mismatchedResponses: number;
  readonly rebindingBlocked: number;
  readonly loops: number;
  /** Questions turned away because too many were on their way. */
  readonly overload: number;
  readonly pending: number;
  readonly cacheEntries: number;
  readonly cacheUsedBytes: number;
  readonly cacheEvictions: number;
  readonly upstreams: readonly {
    readonly route: string;
    readonly name: string;
    readonly isDead: boolean;
    /** Milliseconds; undefined before the first answer. */
    readonly roundTrip: number | undefined;
    readonly asked: number;
    readonly answered: number;
    readonly failed: number;
    readonly latency: HistogramCounts;
  }[];
};
