/** What a gateway tells over HTTP (`GET /v1/gateway`): all that a client needs for its tunnel. */

import { formatIpv4, type Ipv4, parseIpv4 } from "../addr/ipv4.ts";
import { formatMac, type Mac, parseMac } from "../addr/mac.ts";
import { contains, formatPrefix, parsePrefix, type Prefix4 } from "../addr/prefix.ts";
import { PgwError } from "../errors.ts";
import type { GatewayCondition } from "../health/probe.ts";

export type GatewayInfo = {
  /** The gateway's Pod address: the VTEP. */
  readonly podAddress: Ipv4;
  readonly vxlan: GatewayVxlan;
  readonly condition: GatewayCondition;
};

export type GatewayVxlan = {
  /** VNI. */
  readonly id: number;
  /** UDP port. */
  readonly port: number;
  readonly network: Prefix4;
  /** The gateway's address in `network`. */
  readonly gateway: Ipv4;
  readonly mac: Mac;
  /** Of the overlay, bytes. */
  readonly mtu: number;
};

/** An answer that no gateway gives. */
export class GatewayInfoError extends PgwError {}

/** The JSON body of the answer. */
export function formatGatewayInfo({ podAddress, vxlan, condition }: GatewayInfo): string {
  return JSON.stringify({
    version: 1,
    podAddress: formatIpv4(podAddress),
    vxlan: {
      id: vxlan.id,
      port: vxlan.port,
      network: formatPrefix(vxlan.network),
      gateway: formatIpv4(vxlan.gateway),
      mac: formatMac(vxlan.mac),
      mtu: vxlan.mtu,
    },
    ...condition,
  });
}

/**
 * Reads the answer of a gateway, which is trusted no further than its syntax and ranges.
 *
 * @throws {GatewayInfoError} naming the field that is not what it should be
 */
export function parseGatewayInfo(text: string): GatewayInfo {
  const body = object(json(text), "the answer");
  const vxlan = object(body.vxlan, "vxlan");
  const network = read(vxlan.network, "vxlan.network", (value) => ipv4Network(string(value)));
  const gateway = read(vxlan.gateway, "vxlan.gateway", (value) => parseIpv4(string(value)));
  if (!contains(network, gateway)) throw new GatewayInfoError("vxlan.gateway: it is not in vxlan.network");
  return {
    podAddress: read(body.podAddress, "podAddress", (value) => parseIpv4(string(value))),
    vxlan: {
      id: integer(vxlan.id, "vxlan.id", 1, 0xffffff),
      port: integer(vxlan.port, "vxlan.port", 1, 0xffff),
      network,
      gateway,
      mac: read(vxlan.mac, "vxlan.mac", (value) => parseMac(string(value))),
      mtu: integer(vxlan.mtu, "vxlan.mtu", 576, 0xffff),
    },
    condition: {
      instance: read(body.instance, "instance", (value) => instanceId(string(value))),
      healthy: body.healthy === true,
      draining: body.draining === true,
      full: body.full === true,
    },
  };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GatewayInfoError("the answer is not JSON", { cause });
  }
}

function object(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new GatewayInfoError(`${name}: it is not an object`);
  return value as Record<string, unknown>;
}

function integer(value: unknown, name: string, least: number, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new GatewayInfoError(`${name}: ${JSON.stringify(value)} is not a whole number from ${least} to ${most}`);
}

function string(value: unknown): string {
  if (typeof value !== "string") throw new GatewayInfoError(`${JSON.stringify(value)} is not a text`);
  return value;
}

function read<T>(value: unknown, name: string, parse: (value: unknown) => T): T {
  try {
    return parse(value);
  } catch (cause) {
    throw new GatewayInfoError(`${name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

function ipv4Network(text: string): Prefix4 {
  const prefix = parsePrefix(text);
  if (prefix.family !== 4) throw new GatewayInfoError(`'${text}' is not an IPv4 network`);
  return prefix;
}

function instanceId(text: string): string {
  if (!/^[0-9a-f]{32}$/.test(text)) throw new GatewayInfoError(`'${text}' is not 32 hexadecimal digits`);
  return text;
}
