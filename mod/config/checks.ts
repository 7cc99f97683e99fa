/** What one setting cannot know by itself: whether settings go together. */

import { formatIpv4, type Ipv4 } from "../addr/ipv4.ts";
import {
  broadcastAddress,
  contains,
  formatPrefix,
  hostAddress,
  isHostAddress,
  networkAddress,
  overlaps,
  type Prefix4,
} from "../addr/prefix.ts";
import { type AddressRange, defaultRange } from "../dhcp/address_range.ts";
import { leaseTimes } from "../dhcp/server_options.ts";
import { forwardProblems } from "./port_forward.ts";
import { formatService } from "./service.ts";
import type { Values } from "./setting.ts";
import type { clientTable, commonTable, gatewayTable } from "./table.ts";
import type { HostOfNetwork, PoolRange } from "./values.ts";

type CommonValues = Partial<Values<typeof commonTable>>;
type GatewayValues = Partial<Values<typeof gatewayTable>> & CommonValues;
type ClientValues = Partial<Values<typeof clientTable>> & CommonValues;

/** The gateway's address in the overlay: the first host. */
export function gatewayAddress(network: Prefix4): Ipv4 {
  return hostAddress(network, 1);
}

/** Problems between settings of both roles. A setting that is absent had a problem of its own. */
function checkCommon(values: CommonValues, label: (name: keyof CommonValues) => string): string[] {
  const problems: string[] = [];
  const { vxlanNetwork, localCidrs = [], logTransports = [], logFilePath, vxlanPort, httpPort, uplink, vxlanDevice } =
    values;
  for (const prefix of localCidrs) {
    if (vxlanNetwork !== undefined && overlaps(prefix, vxlanNetwork)) {
      problems.push(
        `${label("localCidrs")}: '${formatPrefix(prefix)}' overlaps the VXLAN network ${formatPrefix(vxlanNetwork)}: ` +
          `write smaller networks, or choose another ${label("vxlanNetwork")}`,
      );
    }
  }
  if (logTransports.includes("file") && logFilePath === undefined) {
    problems.push(`${label("logFilePath")} is missing: ${label("logTransports")} has 'file', so name the file`);
  }
  if (vxlanPort !== undefined && vxlanPort === httpPort) {
    problems.push(
      `${label("vxlanPort")}: '${vxlanPort}' is ${
        label("httpPort")
      } too, which the probe uses over UDP: choose another`,
    );
  }
  if (uplink !== undefined && uplink === vxlanDevice) {
    problems.push(`${label("vxlanDevice")}: '${vxlanDevice}' is ${label("uplink")} too: choose another name`);
  }
  return problems;
}

/** Problems of a gateway's settings. */
export function checkGateway(values: GatewayValues, label: (name: keyof GatewayValues) => string): string[] {
  const problems = checkCommon(values, label);
  if (values.vpnInterface !== undefined && values.vpnInterface === values.vxlanDevice) {
    problems.push(
      `${label("vpnInterface")}: '${values.vpnInterface}' is the tunnel to the clients: name the interface of the VPN`,
    );
  }
  if (values.vpnInterface !== undefined && values.vpnInterface === values.uplink) {
    problems.push(
      `${label("vpnInterface")}: '${values.vpnInterface}' is ${label("uplink")} too: name the interface of the VPN`,
    );
  }
  const { dnsMinimumTtl = 0, dnsMaximumTtl = Infinity } = values;
  if (dnsMinimumTtl > dnsMaximumTtl) {
    problems.push(
      `${label("dnsMinimumTtl")}: '${dnsMinimumTtl}' is more than ${label("dnsMaximumTtl")}, which is ${dnsMaximumTtl}`,
    );
  }
  if (values.vpnInterface === undefined) {
    for (const name of ["vpnEndpoints", "portForwards", "natFile"] as const) {
      if (values[name] !== undefined) {
        problems.push(`${label(name)} is of no use without ${label("vpnInterface")}: name the interface of the VPN`);
      }
    }
  }
  if (values.vxlanNetwork !== undefined && values.portForwards !== undefined) {
    const { vxlanNetwork, portForwards } = values;
    problems.push(
      ...forwardProblems(portForwards, vxlanNetwork, gatewayAddress(vxlanNetwork)).map((text) =>
        `${label("portForwards")}: ${text}`
      ),
    );
  }
  if (values.vxlanNetwork !== undefined && values.dhcpPool !== undefined) {
    problems.push(...checkPool(values.dhcpPool, values.vxlanNetwork).map((text) => `${label("dhcpPool")}: ${text}`));
  }
  const { vxlanNetwork, dhcpRouter } = values;
  if (vxlanNetwork !== undefined && dhcpRouter !== undefined && !isHostAddress(vxlanNetwork, dhcpRouter)) {
    problems.push(
      `${label("dhcpRouter")}: '${formatIpv4(dhcpRouter)}' is no host of ${formatPrefix(vxlanNetwork)}, ` +
        `so clients could not reach it: write the address of one`,
    );
  }
  return [...problems, ...checkLeaseTimes(values, label)];
}

/** T1 must be earlier than T2, and that than the end of the lease (RFC 2131 section 4.4.5). */
function checkLeaseTimes(values: GatewayValues, label: (name: keyof GatewayValues) => string): string[] {
  const { dhcpLeaseSeconds, dhcpRenewalSeconds, dhcpRebindingSeconds } = values;
  if (dhcpLeaseSeconds === undefined) return [];
  const { leaseSeconds, renewalSeconds, rebindingSeconds } = leaseTimes({
    leaseSeconds: dhcpLeaseSeconds,
    renewalSeconds: dhcpRenewalSeconds,
    rebindingSeconds: dhcpRebindingSeconds,
  });
  if (rebindingSeconds >= leaseSeconds) {
    return [
      `${label("dhcpRebindingSeconds")}: '${rebindingSeconds}' is not before the end of the lease, ` +
      `${leaseSeconds} s: write a smaller number`,
    ];
  }
  if (renewalSeconds < rebindingSeconds) return [];
  return [
    dhcpRenewalSeconds === undefined
      ? `${label("dhcpRebindingSeconds")}: '${rebindingSeconds}' is not after the renewal time, ${renewalSeconds} s: ` +
        `write a greater number, or a smaller ${label("dhcpRenewalSeconds")}`
      : `${
        label("dhcpRenewalSeconds")
      }: '${renewalSeconds}' is not before the rebinding time, ${rebindingSeconds} s: ` +
        `write a smaller number`,
  ];
}

/** Problems of a client's settings. */
export function checkClient(values: ClientValues, label: (name: keyof ClientValues) => string): string[] {
  const problems = checkCommon(values, label);
  const { service, vxlanNetwork, dns, foreignDns } = values;
  if (foreignDns === "reject" && dns === "off") {
    problems.push(
      `${label("foreignDns")}: 'reject' would leave applications without any DNS, because ${label("dns")} is off: ` +
        "write redirect, or let the Pod's /etc/resolv.conf be pointed at the gateway",
    );
  }
  if (service?.kind === "address" && service.family === 4 && vxlanNetwork && contains(vxlanNetwork, service.address)) {
    problems.push(
      `${label("service")}: '${formatService(service)}' is in the VXLAN network ${formatPrefix(vxlanNetwork)}, ` +
        `which is not there before the gateway is found: name the gateway's Service or Pod`,
    );
  }
  return problems;
}

/** The addresses of a pool that passed {@link checkGateway}; all there are from `.20` on when the user named none. */
export function resolvePool(range: PoolRange | undefined, network: Prefix4): AddressRange {
  if (range === undefined) return defaultRange(network);
  return { first: toAddress(range.first, network), last: toAddress(range.last, network) };
}

function checkPool(range: PoolRange, network: Prefix4): string[] {
  const pool = resolvePool(range, network);
  const text = `'${formatIpv4(pool.first)}-${formatIpv4(pool.last)}'`;
  const lowest = gatewayAddress(network) + 1;
  const highest = broadcastAddress(network) - 1;
  if (pool.first > pool.last) {
    return [`${text} is not a pool, because it ends before it begins: write the lower end first`];
  }
  if (pool.first < lowest || pool.last > highest || networkAddress(network) > pool.first) {
    return [
      `${text} is not in the VXLAN network: allowed are ${formatIpv4(lowest)} to ${formatIpv4(highest)}, ` +
      `the hosts of ${formatPrefix(network)} behind the gateway's own address`,
    ];
  }
  return [];
}

function toAddress(host: HostOfNetwork, network: Prefix4): Ipv4 {
  return "address" in host ? host.address : hostAddress(network, host.number);
}
