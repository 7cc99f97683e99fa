/** Where a VPN connects to, as a user writes it. */

import { isIpv4 } from "../addr/ipv4.ts";
import { isIpv6 } from "../addr/ipv6.ts";
import { parsePrefix } from "../addr/prefix.ts";
import type { VpnEndpoint } from "../netstate/vpn_endpoint.ts";
import { parseHostName } from "./host_name.ts";
import { ValueError } from "./value_error.ts";
import { port as parsePort } from "./values.ts";

/** An endpoint whose host may be a name, which is resolved while the gateway runs. */
export type EndpointSetting = VpnEndpoint & { readonly name?: string };

const form = /^(?:\[([^\]]+)\]|([^:[\]]+?))(?::([0-9]+))?(?:\/(udp|tcp))?$/;

/**
 * `HOST[:PORT][/udp|/tcp]`. HOST is a name, an address, a network, or `*` for any with a port; an IPv6 one with a port
 * stands in brackets: `vpn.example:1194/udp`, `198.51.100.0/24`, `[2001:db8::1]:51820`, `*:51820/udp`.
 */
export function vpnEndpoint(text: string): EndpointSetting {
  const [, bracketed, plain, portText, protocol] = isNetwork(text) ? [, text] : form.exec(text) ?? [];
  const host = bracketed ?? plain;
  // Anywhere by any port would keep nothing in.
  if (host === undefined || (isAnywhere(host) && portText === undefined)) {
    throw new ValueError(
      `'${text}' is not the endpoint of a VPN: write HOST, HOST:PORT/udp or *:PORT/udp, such as vpn.example:1194/udp`,
    );
  }
  return {
    ...(host === "*" ? {} : isNetwork(host) ? { prefix: parsePrefix(host) } : { name: parseHostName(host) }),
    ...(portText === undefined ? {} : { port: parsePort(portText) }),
    ...(protocol === "udp" || protocol === "tcp" ? { protocol } : {}),
  };
}

function isAnywhere(host: string): boolean {
  return host === "*" || (isNetwork(host) && parsePrefix(host).length === 0);
}

function isNetwork(text: string): boolean {
  const address = text.replace(/\/[0-9]+$/, "");
  return isIpv4(address) || isIpv6(address);
}
