/** Recognizes an open Pod in what the kernel holds: the work of an earlier process, to be taken over. */

import { isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { parseMac } from "../addr/mac.ts";
import type { FoundTunnel } from "../role/client.ts";
import type { Observed } from "./diff.ts";
import type { Uplink } from "./uplink.ts";

/** The tunnel on `device`; `undefined` unless all of it is there: our link, its address, and the default route. */
export function findTunnel(observed: Observed, uplink: Uplink, device: string): FoundTunnel | undefined {
  const link = observed.links.find(({ name, ours }) => name === device && ours);
  const address = observed.addresses.find((there) => there.device === device && there.family === 4);
  const gateway = observed.routes.map(({ destination, table, hop }) =>
    destination.family === 4 && destination.length === 0 && table === "main" && hop.kind === "device" &&
      hop.device === device
      ? hop.via
      : undefined
  ).find((via) => via !== undefined);
  const remote = link?.vxlan?.remote;
  if (link?.vxlan === undefined || remote === undefined || !isIpv4(remote)) return undefined;
  if (address === undefined || gateway === undefined || !isIpv4(gateway)) return undefined;
  return {
    uplink,
    address: parseIpv4(address.address),
    tunnel: {
      remote: parseIpv4(remote),
      id: link.vxlan.id,
      port: link.vxlan.port,
      mtu: link.mtu,
      mac: parseMac(link.mac),
      gateway: parseIpv4(gateway),
    },
  };
}
