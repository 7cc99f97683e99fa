/** The gateway's DNS: the forwarder between the cluster's nameservers and the VPN's. */

import { formatIpv4 } from "../addr/ipv4.ts";
import { overlaps, parsePrefix, type Prefix } from "../addr/prefix.ts";
import type { GatewaySettings } from "../config/settings.ts";
import { outsideServers } from "../dns/outside_servers.ts";
import { rebindingNetworks } from "../dns/rebinding.ts";
import { podResolvConf } from "../dns/resolv_conf.ts";
import { clusterZones } from "../dns/route.ts";
import { parseUpstream } from "../dns/upstream_address.ts";
import type { GatewayNetConfig } from "../netstate/gateway.ts";
import { forwarderMark } from "../netstate/names.ts";
import type { Uplink } from "../netstate/uplink.ts";
import { clusterResolvConf } from "./cluster_resolv_conf.ts";
import { type DnsServer, startDnsServer } from "./dns_server.ts";
import { openUpstreamSockets } from "./dns_upstream_sockets.ts";
import { logger } from "./log.ts";
import { readTextIfThere } from "./text_file.ts";
import { watchTextFile } from "./watch.ts";

const log = logger("dns");
const resolvConfPath = "/etc/resolv.conf";

export type ClusterResolver = {
  /** Who answers the cluster's own names. */
  readonly servers: readonly string[];
  /** Servers that are known to be the cluster's. */
  readonly known: readonly string[];
  /** The Pod's search list. */
  readonly search: readonly string[];
};

/** As the settings have it, or the kubelet's /etc/resolv.conf. */
export function clusterResolver(settings: GatewaySettings): ClusterResolver {
  const { clusterNameservers = [], clusterDomain, stateDir, vpnInterface } = settings;
  const resolvConf = clusterResolvConf(readTextIfThere(resolvConfPath), clusterDomain, stateDir);
  const { nameservers, search, isKnown } = resolvConf;
  const known = [...clusterNameservers, ...(isKnown ? nameservers : [])];
  // A server of unknown origin may be the VPN's, which must not hear of the cluster.
  const found = isKnown || vpnInterface === undefined ? nameservers : [];
  return { servers: clusterNameservers.length > 0 ? clusterNameservers : found, known, search };
}

/** Where the forwarder's questions may go around the VPN: to the cluster, and to local servers that the user named. */
export function serversAroundVpn(
  { dnsRoutes = [], localCidrs }: GatewaySettings,
  { known }: ClusterResolver,
): Prefix[] {
  const addressOf = (server: string) => parsePrefix(parseUpstream(server).address);
  const ofRoutes = dnsRoutes.flatMap(({ servers }) => typeof servers === "string" ? [] : servers).map(addressOf);
  const local = ofRoutes.filter((address) => localCidrs.some((network) => overlaps(network, address)));
  return [...known.map(addressOf), ...local];
}

export class GatewayDns {
  readonly #watch: { close(): void };
  #nameservers: readonly string[];
  /** Why clients cannot get out. */
  #obstacle: string | undefined;

  private constructor(
    readonly server: DnsServer,
    readonly settings: GatewaySettings,
    readonly cluster: ClusterResolver,
    text: string,
  ) {
    this.#nameservers = podResolvConf(text).nameservers;
    this.#update();
    this.#watch = watchTextFile(resolvConfPath, text, (text) => this.#follow(text), {
      isEmpty: (text) => podResolvConf(text).nameservers.length === 0,
    });
  }

  /** @throws when the address cannot be bound */
  static async start(
    settings: GatewaySettings,
    { address, network, vpnInterface }: GatewayNetConfig,
    uplink: Uplink,
    cluster: ClusterResolver,
  ): Promise<GatewayDns> {
    const { clusterDomain, localCidrs, dnsMinimumTtl, dnsMaximumTtl, dnsNegativeTtl } = settings;
    const server = await startDnsServer({
      listen: { address: formatIpv4(address), port: 53 },
      allow: network,
      clusterZones: clusterZones({ clusterDomain, search: cluster.search, localCidrs }),
      clusterServers: cluster.servers,
      outsideServers: [],
      routes: settings.dnsRoutes ?? [],
      // A name from outside that resolves into these networks would let a web page reach them (DNS rebinding).
      rebinding: {
        networks: rebindingNetworks({
          overlay: network,
          podAddress: uplink.address,
          podRoutes: uplink.routes.map(({ destination }) => destination),
          localCidrs,
          clusterServers: cluster.known,
        }),
        except: settings.dnsRebindingAllow ?? [],
      },
      cacheBytes: settings.dnsCacheMebibytes << 20,
      ttl: { minimum: dnsMinimumTtl, maximum: dnsMaximumTtl, negativeMaximum: dnsNegativeTtl },
      staleSeconds: settings.dnsStaleSeconds,
      ...(vpnInterface === undefined ? {} : { sockets: await openUpstreamSockets([], forwarderMark) }),
    });
    return new GatewayDns(server, settings, cluster, readTextIfThere(resolvConfPath));
  }

  /** Without a way out, a name from outside is answered at once (SERVFAIL, with `obstacle`), and nobody is asked. */
  setWayOut(obstacle: string | undefined): void {
    if (obstacle === this.#obstacle) return;
    this.#obstacle = obstacle;
    this.#update();
  }

  async close(): Promise<void> {
    this.#watch.close();
    await this.server.close();
  }

  #follow(text: string): void {
    this.#nameservers = podResolvConf(text).nameservers;
    log.info("{path} changed: outside names are asked of {nameservers}", {
      path: resolvConfPath,
      nameservers: this.#outside().join(", ") || "nobody",
    });
    this.#update();
  }

  #outside(): readonly string[] {
    return outsideServers({
      upstreams: this.settings.dnsUpstreams,
      nameservers: this.#nameservers,
      clusterServers: this.cluster.known,
      hasVpn: this.settings.vpnInterface !== undefined,
    });
  }

  #update(): void {
    if (this.#obstacle !== undefined) return this.server.setUpstreams([], this.#obstacle);
    const servers = this.#outside();
    if (servers.length > 0) return this.server.setUpstreams(servers);
    log.warn("names from outside are not answered: {reason}", { reason: noVpnServer });
    this.server.setUpstreams([], noVpnServer);
  }
}

const noVpnServer = "/etc/resolv.conf names no server of the VPN: set PGW_DNS_UPSTREAMS";
