/** SERVICE: where a client asks for its gateway. */

import { formatIpv4, type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { formatIpv6, type Ipv6, isIpv6, parseIpv6 } from "../addr/ipv6.ts";
import { parseHostName } from "./host_name.ts";
import { ValueError } from "./value_error.ts";

/** Whom to ask by HTTP. */
export type Service = Host & {
  readonly port: number;
  /** Starts with `/`; has a query if the user wrote one. */
  readonly path: string;
};

type Host =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "address"; readonly family: 4; readonly address: Ipv4 }
  | { readonly kind: "address"; readonly family: 6; readonly address: Ipv6 };

const httpPort = 80;
/** The characters of a path and a query (RFC 3986 sections 3.3 and 3.4). */
const pathAndQuery = /^\/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*$/;

/**
 * Parses `gateway.vpn`, `gateway.vpn:8080`, `10.43.0.7`, `[2001:db8::7]:8080`, `2001:db8::7` or `http://gateway.vpn/path`.
 *
 * @throws {ValueError} when `text` is none of them
 */
export function parseService(text: string): Service {
  const { authority, path } = splitUrl(text);
  const { host, port } = splitPort(text, authority);
  return { ...parseHost(text, host), port: parsePort(text, port), path };
}

/** As a user would write it: `gateway.vpn`, `gateway.vpn:8080`, `[2001:db8::7]:8080/path`. */
export function formatService(service: Service): string {
  const port = service.port === httpPort ? "" : `:${service.port}`;
  return `${formatHost(service)}${port}${service.path === "/" ? "" : service.path}`;
}

function formatHost(host: Host): string {
  if (host.kind === "name") return host.name;
  return host.family === 4 ? formatIpv4(host.address) : `[${formatIpv6(host.address)}]`;
}

function splitUrl(text: string): { authority: string; path: string } {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text);
  if (scheme === null) return { authority: text, path: "/" };
  if (scheme[1]!.toLowerCase() !== "http") {
    throw new ValueError(`'${text}' is not a service: a gateway speaks http, not ${scheme[1]}`);
  }
  const rest = text.slice(scheme[0].length);
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const path = end < 0 ? "/" : rest.slice(end);
  if (!pathAndQuery.test(path)) {
    throw new ValueError(`'${text}' is not a service: the path '${path}' has characters that a URL has not`);
  }
  return { authority, path };
}

function splitPort(text: string, authority: string): { host: string; port: string | undefined } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(authority);
  if (bracketed !== null) {
    if (isIpv6(bracketed[1]!)) return { host: bracketed[1]!, port: bracketed[2] };
    throw new ValueError(
      `'${text}' is not a service: between brackets stands an IPv6 address, such as [2001:db8::7]:80`,
    );
  }
  if (isIpv6(authority)) return { host: authority, port: undefined };
  const colon = authority.lastIndexOf(":");
  if (colon < 0) return { host: authority, port: undefined };
  return { host: authority.slice(0, colon), port: authority.slice(colon + 1) };
}

function parsePort(text: string, port: string | undefined): number {
  if (port === undefined) return httpPort;
  const value = /^[1-9][0-9]{0,4}$/.test(port) ? Number(port) : NaN;
  if (!(value <= 65535)) throw new ValueError(`'${text}' is not a service: the port must be 1 to 65535`);
  return value;
}

function parseHost(text: string, host: string): Host {
  if (isIpv4(host)) {
    const address = parseIpv4(host);
    // 0.0.0.0/8 is this host, 224.0.0.0/3 multicast, reserved and broadcast (RFC 6890)
    if (address >>> 24 === 0 || address >>> 29 === 7) {
      throw new ValueError(`'${text}' is not a service: ${host} is not the address of a host`);
    }
    return { kind: "address", family: 4, address };
  }
  if (isIpv6(host)) {
    const address = parseIpv6(host);
    if (address === 0n || address >> 120n === 0xffn) {
      throw new ValueError(`'${text}' is not a service: ${host} is not the address of a host`);
    }
    return { kind: "address", family: 6, address };
  }
  return { kind: "name", name: parseHostName(host) };
}
