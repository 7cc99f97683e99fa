/** One Pod, its network and its gateway, for all tests of network state. */

import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { clientMac, gatewayMac } from "../../../mod/addr/mac.ts";
import { parsePrefix, type Prefix4 } from "../../../mod/addr/prefix.ts";
import type { ClientNetConfig, ClientPhase, LeasedAddress, Tunnel } from "../../../mod/netstate/client.ts";
import type { GatewayNetConfig, GatewayView } from "../../../mod/netstate/gateway.ts";
import type { VxlanLink } from "../../../mod/netstate/state.ts";
import type { Uplink } from "../../../mod/netstate/uplink.ts";
import type { GatewayVxlan } from "../../../mod/role/gateway_info.ts";

export const ip = parseIpv4;

export function network4(text: string): Prefix4 {
  const prefix = parsePrefix(text);
  if (prefix.family !== 4) throw new Error(`${text} is not IPv4`);
  return prefix;
}

export const podAddress = ip("10.42.0.5");
/** Outside of PGW_LOCAL_CIDRS, as the Pods of some clusters are: what is needed of it must be let out by name. */
export const gatewayPod = ip("172.20.1.6");
export const overlay = network4("172.29.0.0/24");
export const overlayGateway = ip("172.29.0.1");
export const leasedIp = ip("172.29.0.20");

export const uplink: Uplink = {
  device: "eth0",
  mtu: 1450,
  address: podAddress,
  ownAddresses: [podAddress],
  addresses6: ["2001:db8:42::5"],
  routes: [
    { destination: network4("0.0.0.0/0"), via: ip("10.42.0.1") },
    { destination: network4("10.42.0.0/24") },
  ],
  default6: { via: "2001:db8:42::1" },
};

export const config: ClientNetConfig = {
  device: "vxlan3150",
  localCidrs: [parsePrefix("10.0.0.0/8"), parsePrefix("fd00::/8")],
  foreignDns: "redirect",
};

export const gatewayConfig: GatewayNetConfig = {
  device: "vxlan3150",
  id: 3150,
  port: 4789,
  network: overlay,
  address: overlayGateway,
  httpPort: 3150,
  aroundVpn: [parsePrefix("10.96.0.10")],
  localCidrs: [parsePrefix("10.0.0.0/8"), parsePrefix("fd00::/8")],
  isolation: true,
  nodeAddresses: [parsePrefix("192.0.2.10"), parsePrefix("2001:db8::10")],
};

/** What a gateway tells of its tunnel. */
export const vxlan: GatewayVxlan = {
  id: 3150,
  port: 4789,
  network: overlay,
  gateway: overlayGateway,
  mac: gatewayMac(overlayGateway),
  mtu: 1400,
};

/** A client's device. */
export const vxlanLink: VxlanLink = {
  name: "vxlan3150",
  id: 3150,
  port: 4789,
  uplink: "eth0",
  local: podAddress,
  remote: ip("10.42.0.6"),
  mac: clientMac(podAddress),
  mtu: 1400,
};

/** A gateway Pod with a VPN, or without. */
export const gatewayView: GatewayView = { uplink, interfaces: ["eth0", "tun0"] };

export const tunnel: Tunnel = {
  remote: gatewayPod,
  id: 3150,
  port: 4789,
  mtu: 1400,
  mac: clientMac(podAddress),
  gateway: overlayGateway,
  gatewayMac: gatewayMac(overlayGateway),
};

export const lease: LeasedAddress = { address: leasedIp, prefixLength: 24, expiresAt: 3_600_000 };

/** Of the gateway that the client goes to. */
const nextGatewayPod = ip("172.20.1.8");

export const candidate = { address: ip("172.21.0.80"), port: 80 };

/** Each phase as it is entered, by its name in `docs/security.md`. */
export const phases = {
  closed: { phase: "closed" },
  discovering: { phase: "discovering", uplink, candidates: [candidate] },
  leasing: { phase: "leasing", uplink, tunnel },
  verifying: { phase: "verifying", uplink, tunnel, lease },
  open: { phase: "open", uplink, tunnel, lease },
  moving: { phase: "moving", uplink, tunnel, lease, candidates: [candidate], next: nextGatewayPod },
  stopped: { phase: "closed", uplink },
} as const satisfies Record<string, ClientPhase>;
