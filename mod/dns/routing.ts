/** All routes of a forwarder, and which of them a question takes. */

import type { Query } from "../wire/dns.ts";
import type { ForwarderConfig, Route } from "./forwarder_config.ts";
import { isHostWithoutDomain, nobodysZones, RouteTable } from "./route.ts";
import { Upstream, UpstreamGroup } from "./upstream.ts";
import { parseUpstream } from "./upstream_address.ts";

const noServer = "no upstream is known for this name";

export class Routing {
  readonly outside: Route;
  /** Its names do not exist. */
  readonly nobodys: Route;
  /** Those that have servers, or might. */
  readonly all: readonly Route[];
  readonly #table: RouteTable<Route>;
  readonly #own: ForwarderConfig["own"];

  /** @throws {AddressError} when a server in `config` is none */
  constructor(config: Pick<ForwarderConfig, "own" | "clusterServers" | "outsideServers" | "clusterZones" | "routes">) {
    this.#own = config.own;
    const cluster = this.#route("cluster", config.clusterServers, "no nameserver of the cluster is known");
    this.outside = this.#route("outside", config.outsideServers, noServer);
    this.nobodys = this.#route("nobody", [], noServer);
    this.#table = new RouteTable(this.outside);
    const named: Route[] = [];
    for (const { zone, servers } of config.routes) {
      if (servers === "outside") this.#table.add(zone, this.outside);
      else if (servers === "cluster") this.#table.add(zone, cluster);
      else this.#table.add(zone, named[named.push(this.#route(zone, servers, noServer)) - 1]!);
    }
    for (const zone of config.clusterZones) this.#table.add(zone, cluster);
    for (const zone of nobodysZones) this.#table.add(zone, this.nobodys);
    this.all = [cluster, this.outside, ...named];
  }

  /** Where the question in `question`, read into `query`, goes. */
  find(question: Uint8Array, query: Query): Route {
    const route = this.#table.find(question, query.nameEnd);
    return route === this.outside && isHostWithoutDomain(question, query) ? this.nobodys : route;
  }

  /** @throws {AddressError} when a server is none; nothing has changed then */
  setOutsideServers(servers: readonly string[], absence = noServer): void {
    this.outside.group = this.#group(servers);
    this.outside.absence = absence;
  }

  #route(name: string, servers: readonly string[], absence: string): Route {
    return { name, isOutside: name === "outside", group: this.#group(servers), absence, pending: 0 };
  }

  /** Each server once, this one itself never. */
  #group(servers: readonly string[]): UpstreamGroup {
    const { address: own, port: ownPort } = this.#own;
    const others = servers.map(parseUpstream).filter(({ address, port }) => address !== own || port !== ownPort);
    const byName = new Map(others.map((address) => new Upstream(address)).map((one) => [one.name, one]));
    return new UpstreamGroup([...byName.values()]);
  }
}
