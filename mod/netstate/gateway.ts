/** What the kernel of a gateway Pod should hold. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { gatewayMac } from "../addr/mac.ts";
import type { Prefix, Prefix4 } from "../addr/prefix.ts";
import { gatewayFirewall } from "./gateway_firewall.ts";
import { firstTable, vxlanOverhead } from "./names.ts";
import type { LedForward } from "./port_forward.ts";
import type { NetState } from "./state.ts";
import type { Uplink } from "./uplink.ts";
import type { FoundVpn, VpnEndpoint } from "./vpn_endpoint.ts";

/** What a gateway's network state depends on and never changes while it runs. */
export type GatewayNetConfig = {
  readonly device: string;
  /** VNI. */
  readonly id: number;
  /** UDP port of the underlay. */
  readonly port: number;
  readonly network: Prefix4;
  /** The gateway's own address in `network`. */
  readonly address: Ipv4;
  readonly httpPort: number;
  /** Clients' traffic leaves by this interface or not at all; absent: by whatever the Pod's routes say. */
  readonly vpnInterface?: string;
  /** Where the forwarder's questions may go around the VPN: the cluster's nameservers. */
  readonly aroundVpn: readonly Prefix[];
  /** Where the Pod itself may send around the VPN: PGW_LOCAL_CIDRS. */
  readonly localCidrs: readonly Prefix[];
  /** The address that clients are seen with; absent: that of the interface they leave by. */
  readonly snatAddress?: Ipv4;
  /** Whether clients are kept from the gateway's ports, its node, the cloud's metadata and each other. */
  readonly isolation: boolean;
  /** The node's own addresses, beside the Pod's router. */
  readonly nodeAddresses: readonly Prefix[];
};

/** What the gateway sees of its Pod and network, and what changes while it runs. */
export type GatewayView = {
  readonly uplink: Uplink;
  /** Those that forwarded packets may come in by. */
  readonly interfaces: readonly string[];
  /** The VPN's own connection, if routing tells it. */
  readonly foundVpn?: FoundVpn;
};

/** What the gateway learns beside its Pod's network. */
export type GatewayLearned = {
  /** Where the VPN may connect to, as the user named it; absent: the user did not. */
  readonly endpoints?: readonly VpnEndpoint[];
  readonly forwards: readonly LedForward[];
};

/** Everything that the kernel should hold. */
export function gatewayNetState(config: GatewayNetConfig, view: GatewayView, learned: GatewayLearned): NetState {
  const { device, address, network, isolation } = config;
  const { uplink, interfaces } = view;
  return {
    links: [{
      name: device,
      id: config.id,
      port: config.port,
      uplink: uplink.device,
      local: uplink.address,
      mac: gatewayMac(address),
      mtu: uplink.mtu - vxlanOverhead,
    }],
    addresses: [{ device, address, prefixLength: network.length }],
    // Before the rules of a VPN that knows nothing of the overlay (gluetun's begin at 98): by these all that is no network of
    // its own goes into the VPN, the answers to clients as well. A rule would do, but with the first one that it has, the
    // kernel looks for the route of each packet by rules, and for its source's as well, which takes a tenth of its way.
    routes: [{ destination: network, table: firstTable, metric: 0, hop: { kind: "device", device } }],
    rules: [],
    // Forwarding is a property of the interface that a packet comes in by: both directions need it.
    interfaceSettings: [...new Set([...interfaces, device])].map((name) => ({
      device: name,
      forwarding: true,
      // Replies come in by the VPN from sources that the Pod's own routes may place elsewhere. (The loose filter would take
      // them, and the kernel the time to look for the route of each packet's source.)
      rpFilter: "off" as const,
      // A client asks for another by ARP, and only the gateway hears it.
      ...(name === device ? { proxyArp: !isolation } : {}),
    })),
    firewall: gatewayFirewall(config, view, learned),
  };
}
