/** Recognizes an open Pod in what the kernel holds: the work of an earlier process, to be taken over. */

import { isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { parseMac } from "../addr/mac.ts";
import { prefix4 } from "../addr/prefix.ts";
import type { FoundTunnel } from "../role/client.ts";
import type { Observed } from "./diff.ts";
import type { Uplink } from "./uplink.ts";

/**
 * The tunnel on `device`; `undefined` unless all of it is there: our link, its address, and the default route.
 *
 * @param now milliseconds, of the clock that leases end by
 */
export function findTunnel(observed: Observed, uplink: Uplink, device: string, now: number): FoundTunnel | undefined {
  const link = observed.links.find(({ name, ours }) => name === device && ours);
  const address = observed.addresses.find((there) => there.device === device && there.family === 4);
  const via = observed.routes.map(({ destination, table, hop }) =>
    destination.family === 4 && destination.length === 0 && table === "main" && hop.kind === "device" &&
      hop.device === device
      ? hop.via
      : undefined
  ).find((via) => via !== undefined);
  const remote = link?.vxlan?.remote;
  if (link?.vxlan === undefined || remote === undefined || !isIpv4(remote)) return undefined;
  if (address === undefined || via === undefined || !isIpv4(via)) return undefined;
  const gateway = parseIpv4(via);
  const pinned = observed.neighbors.find((there) => there.device === device && there.address === gateway);
  const leased = parseIpv4(address.address);
  const { prefixLength, validSeconds } = address;
  return {
    link: {
      uplink,
      network: prefix4(leased, prefixLength),
      tunnel: {
        remote: parseIpv4(remote),
        id: link.vxlan.id,
        port: link.vxlan.port,
        mtu: link.mtu,
        mac: parseMac(link.mac),
        gateway,
        ...(pinned === undefined ? {} : { gatewayMac: pinned.mac }),
      },
    },
    lease: {
      address: leased,
      prefixLength,
      expiresAt: validSeconds === undefined ? Infinity : now + validSeconds * 1_000,
    },
  };
}
