/** Whether a gateway's clients can get out, from what the kernel holds. */

import type { Observed } from "../netstate/diff.ts";

/**
 * Why nothing gets out; `undefined` when something can. With a VPN interface named, that one counts: it must be there,
 * be up, have an address, and a route must lead to it.
 */
export function wayOutObstacle(observed: Observed, device: string, vpnInterface?: string): string | undefined {
  if (vpnInterface === undefined) {
    const leavesPod = observed.routes.some(({ destination, hop }) =>
      destination.family === 4 && hop.kind === "device" && hop.device !== device && hop.device !== "lo"
    );
    return leavesPod ? undefined : "the Pod has no route but the overlay's";
  }
  const link = observed.links.find(({ name }) => name === vpnInterface);
  if (link === undefined) return `there is no interface '${vpnInterface}': is the VPN up, and PGW_VPN_INTERFACE right?`;
  if (!link.up) return `the VPN interface '${vpnInterface}' is down`;
  if (!observed.addresses.some((address) => address.device === vpnInterface && address.family === 4)) {
    return `the VPN interface '${vpnInterface}' has no IPv4 address`;
  }
  const isRouted = observed.routes.some(({ destination, hop }) =>
    destination.family === 4 && hop.kind === "device" && hop.device === vpnInterface
  );
  return isRouted ? undefined : `no route leads to the VPN interface '${vpnInterface}'`;
}
