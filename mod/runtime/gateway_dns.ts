/** The gateway's DNS: the forwarder between the cluster's nameservers and the VPN's. */

import { formatIpv4 } from "../addr/ipv4.ts";
import type { GatewaySettings } from "../config/settings.ts";
import { originalResolvConf, parseResolvConf } from "../dns/resolv_conf.ts";
import { clusterZones } from "../dns/route.ts";
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
const cacheBytes = 16 << 20;

/** Who answers the cluster's own names, and the Pod's search list. */
export type ClusterResolver = { readonly servers: readonly string[]; readonly search: readonly string[] };

/** As the settings have it, or the kubelet's /etc/resolv.conf. */
export function clusterResolver({ clusterNameservers, clusterDomain, stateDir }: GatewaySettings): ClusterResolver {
  const { nameservers, search } = clusterResolvConf(readTextIfThere(resolvConfPath), clusterDomain, stateDir);
  return { servers: clusterNameservers ?? nameservers, search };
}

export class GatewayDns {
  readonly #watch: { close(): void };
  #nameservers: readonly string[];
  #hasWayOut = true;

  private constructor(readonly server: DnsServer, readonly upstreams: readonly string[] | undefined, text: string) {
    this.#nameservers = parseResolvConf(originalResolvConf(text)).nameservers;
    this.#watch = watchTextFile(resolvConfPath, text, (text) => this.#follow(text), {
      isEmpty: (text) => parseResolvConf(text).nameservers.length === 0,
    });
  }

  /** @throws when the address cannot be bound */
  static async start(
    settings: GatewaySettings,
    { address, network, vpnInterface }: GatewayNetConfig,
    uplink: Uplink,
    cluster: ClusterResolver,
  ): Promise<GatewayDns> {
    const text = readTextIfThere(resolvConfPath);
    const podNetworks = uplink.routes.map(({ destination }) => destination).filter(({ length }) => length > 8);
    const server = await startDnsServer({
      listen: { address: formatIpv4(address), port: 53 },
      allow: network,
      clusterZones: clusterZones({
        clusterDomain: settings.clusterDomain,
        search: cluster.search,
        localCidrs: settings.localCidrs,
      }),
      clusterServers: cluster.servers,
      outsideServers: settings.dnsUpstreams ?? parseResolvConf(originalResolvConf(text)).nameservers,
      // A name from outside that resolves into these networks would let a web page reach them (DNS rebinding).
      rebinding: { networks: [network, ...podNetworks], except: [] },
      cacheBytes,
      ...(vpnInterface === undefined ? {} : { sockets: await openUpstreamSockets([], forwarderMark) }),
    });
    return new GatewayDns(server, settings.dnsUpstreams, text);
  }

  /** Without a way out, a name from outside is answered at once (SERVFAIL), and nobody is asked. */
  setWayOut(hasWayOut: boolean): void {
    if (hasWayOut === this.#hasWayOut) return;
    this.#hasWayOut = hasWayOut;
    this.#update();
  }

  async close(): Promise<void> {
    this.#watch.close();
    await this.server.close();
  }

  #follow(text: string): void {
    this.#nameservers = parseResolvConf(text).nameservers;
    log.info("{path} changed: outside names are asked of {nameservers}", {
      path: resolvConfPath,
      nameservers: this.#outside().join(", "),
    });
    this.#update();
  }

  #outside(): readonly string[] {
    return this.upstreams ?? this.#nameservers;
  }

  #update(): void {
    this.server.setUpstreams(this.#hasWayOut ? this.#outside() : []);
  }
}
