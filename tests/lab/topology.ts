/**
 * The lab's addresses, and how each kind of Pod network sets a Pod up.
 *
 * ```
 *  client0 .11   client1 .12   gateway0 .21   gateway1 .22   stranger .31   services .41    10.42.0.0/24, 2001:db8:42::/64
 *      |             |             |   \          |   \          |              |
 *      +-------------+---- router (node) ---------+-----\--------+--------------+           10.43.0.0/16: Services (DNAT)
 *                            |     vpn0 203.0.113.101 |   \ vpn0 203.0.113.102
 *                 the direct way            |             |
 *                  203.0.113.11 ...         |             |
 *                            |              |             |
 *                        internet: 203.0.113.80 web, 203.0.113.53 DNS; 2001:db8::80, 2001:db8::53
 * ```
 *
 * On the direct way a Pod 10.42.0.N is seen as 203.0.113.N, and 2001:db8:42::N as itself.
 */

/**
 * How a Pod reaches the others: `bridge`: all on one link, the /24 on-link; `ptp` as kindnet and the ptp plugin do it: the /24
 * by way of the router's address; `calico`: a /32, the router is 169.254.1.1.
 */
export type Cni = "bridge" | "ptp" | "calico";

export const podNetwork = { v4: "10.42.0.0/24", v6: "2001:db8:42::/64" } as const;
export const routerAddress = { v4: "10.42.0.1", v6: "2001:db8:42::1" } as const;
/** The node's own address, on the side of the internet. It is not in PGW_LOCAL_CIDRS: kubelet probes come from here. */
export const nodeAddress = { v4: "203.0.113.2", v6: "2001:db8::2" } as const;

export const serviceNetwork = "10.43.0.0/16";
export const serviceAddress = {
  api: "10.43.0.1",
  dns: "10.43.0.10",
  gateway: "10.43.0.50",
  web: "10.43.0.80",
} as const;

/** The cluster's Services: what the router translates to the Pods behind them. */
export const services = {
  "dns-udp": { address: serviceAddress.dns, protocol: "udp", port: 53, podPort: 53 },
  "dns-tcp": { address: serviceAddress.dns, protocol: "tcp", port: 53, podPort: 53 },
  web: { address: serviceAddress.web, protocol: "tcp", port: 80, podPort: 8080 },
  gateway: { address: serviceAddress.gateway, protocol: "tcp", port: 80, podPort: 3150 },
} as const;

export type ServiceName = keyof typeof services;

export const internet = {
  web: { v4: "203.0.113.80", v6: "2001:db8::80" },
  dns: { v4: "203.0.113.53", v6: "2001:db8::53" },
  direct: { v4: "203.0.113.1", v6: "2001:db8::1" },
} as const;

/** All names below it have the internet web server's addresses. */
export const internetDomain = "example.test";

export const names = {
  gateway: "gateway.test.svc.cluster.local",
  /** Headless: the gateway Pods' own addresses. */
  gateways: "gateways.test.svc.cluster.local",
  web: "web.test.svc.cluster.local",
  /** The API server, which every cluster has. Nothing listens there. */
  api: "kubernetes.default.svc.cluster.local",
} as const;

export const resolvConf = `search test.svc.cluster.local svc.cluster.local cluster.local
nameserver ${serviceAddress.dns}
options ndots:5
`;

/** The Pods in the Pod network: the last byte of their address. */
export const hosts = {
  client: (index: number) => 11 + index,
  gateway: (index: number) => 21 + index,
  stranger: 31,
  /** Nobody's, until a test gives it to a Pod. */
  spare: 99,
  services: 41,
} as const;

export type PodAddress = { readonly v4: string; readonly v6: string };

export const podAddress = (host: number): PodAddress => ({ v4: `10.42.0.${host}`, v6: `2001:db8:42::${host}` });
/** What the internet sees when the Pod's packets go the direct way. */
export const directAddress = (host: number): PodAddress => ({ v4: `203.0.113.${host}`, v6: `2001:db8:42::${host}` });
/** What the internet sees when they go through the VPN of gateway 0, 1, ... */
export const vpnAddress = (index: number): PodAddress => ({
  v4: `203.0.113.${101 + index}`,
  v6: `2001:db8::${101 + index}`,
});

/** The `ip` commands in the Pod that give its eth0 addresses and routes. */
export function podCommands(cni: Cni, { v4, v6 }: PodAddress, mtu: number): readonly string[] {
  const up = `link set eth0 mtu ${mtu} up`;
  switch (cni) {
    case "bridge":
      return [
        `addr add ${v4}/24 dev eth0`,
        `addr add ${v6}/64 dev eth0 nodad`,
        up,
        `route add default via ${routerAddress.v4}`,
        `route add default via ${routerAddress.v6} dev eth0 onlink`,
      ];
    case "ptp":
      return [
        `addr add ${v4}/24 dev eth0 noprefixroute`,
        `addr add ${v6}/64 dev eth0 nodad noprefixroute`,
        up,
        `route add ${routerAddress.v4} dev eth0 scope link src ${v4}`,
        `route add ${podNetwork.v4} via ${routerAddress.v4} src ${v4}`,
        `route add default via ${routerAddress.v4}`,
        `route add ${routerAddress.v6} dev eth0`,
        `route add ${podNetwork.v6} via ${routerAddress.v6} dev eth0 onlink`,
        `route add default via ${routerAddress.v6} dev eth0 onlink`,
      ];
    case "calico":
      return [
        `addr add ${v4}/32 dev eth0`,
        `addr add ${v6}/128 dev eth0 nodad`,
        up,
        `route add 169.254.1.1 dev eth0 scope link`,
        `route add default via 169.254.1.1`,
        `route add default via fe80::1 dev eth0 onlink`,
      ];
  }
}

/** The `ip` commands on the router for its end of a Pod's veth pair, when it comes up for the first time or again. */
export function portCommands(cni: Cni, device: string, { v4, v6 }: PodAddress, mtu: number): readonly string[] {
  switch (cni) {
    case "bridge":
      return [`link set ${device} mtu ${mtu} master cni0 up`];
    case "ptp":
      return [
        `addr replace ${routerAddress.v4}/32 dev ${device}`,
        `addr replace ${routerAddress.v6}/128 dev ${device} nodad`,
        `link set ${device} mtu ${mtu} up`,
        `route replace ${v4} dev ${device} scope link`,
        `route replace ${v6} dev ${device}`,
      ];
    case "calico":
      return [
        `addr replace 169.254.1.1/32 dev ${device}`,
        `addr replace fe80::1/64 dev ${device} nodad`,
        `link set ${device} mtu ${mtu} up`,
        `route replace ${v4} dev ${device} scope link`,
        `route replace ${v6} dev ${device}`,
      ];
  }
}
