/** Numbers and names by which everything of ours in the kernel is known, so that nothing else is ever touched. */

/**
 * The packet mark of what goes around the tunnel: replies to connections that came in by the uplink, and the DNS
 * questions of `pgw` itself. Only a holder of NET_ADMIN can mark a packet, so an application cannot take this way.
 */
export const aroundMark = 0x3150;
/** The routing table of marked packets: it keeps the Pod's own default route. */
export const aroundTable = 3150;
/** The table of what has the leased address, and of applications' DNS questions: it leads into the tunnel or nowhere. */
export const tunnelTable = 3151;
/** The table that IPv6 answers are routed by until they are marked. */
export const answersTable = 3152;
/** The table in which nothing is reachable. */
export const closedTable = 3153;
/** The table that the kernel calls `local` and looks in first, before it asks any rule but its own. */
export const firstTable = 255;
/** Priorities of our rules; that of `main` is 32766. */
export const priorities = {
  /** Marked packets: first the routes in `main` that are no default routes, then {@link aroundTable}. */
  aroundSpecific: 3149,
  around: 3150,
  tunnel: 3151,
  dns: 3152,
  answers: 32_790,
  closed: 32_791,
} as const;

/** The packet mark of what a gateway's DNS forwarder asks: no name of a client's may leave by another way than the VPN. */
export const forwarderMark = 0x3151;

/** Metrics behind every default route that anybody adds. See {@link closedDefaults}. */
export const loopbackMetric = 4_294_967_294;
export const unreachableMetric = 4_294_967_295;

/** What a DHCP server answers to, and where clients of other makes listen (RFC 2131 section 4.1). */
export const dhcpReplyPort = 68;
/**
 * Where our DHCP client listens: a port that needs no NET_BIND_SERVICE, to which the firewall rewrites what arrives for
 * {@link dhcpReplyPort}.
 */
export const dhcpClientPort = 3168;
/** RFC 1035 section 4.2. */
export const dnsPort = 53;
/** The DHCP server's port (RFC 2131 section 4.1). */
export const dhcpServerPort = 67;
/** Where a gateway answers probes, on its overlay address. */
export const probePort = 3150;
/** What VXLAN puts around a frame when the underlay is IPv4: Ethernet 14, IP 20, UDP 8, VXLAN 8. */
export const vxlanOverhead = 50;
