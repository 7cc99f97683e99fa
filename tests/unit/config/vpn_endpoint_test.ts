import assert from "node:assert/strict";
import { formatPrefix } from "../../../mod/addr/prefix.ts";
import { type EndpointSetting, vpnEndpoint } from "../../../mod/config/vpn_endpoint.ts";
import { PgwError } from "../../../mod/errors.ts";

function show({ name, prefix, port, protocol }: EndpointSetting): string {
  return [name ?? (prefix === undefined ? "any" : formatPrefix(prefix)), port ?? "any", protocol ?? "any"].join(" ");
}

Deno.test("PGW_VPN_ENDPOINT: names, addresses, networks and any, with a port and a protocol or without", () => {
  for (
    const [text, shown] of [
      ["vpn.Example:1194/udp", "vpn.example 1194 udp"],
      ["vpn.example", "vpn.example any any"],
      ["vpn.example/tcp", "vpn.example any tcp"],
      ["198.51.100.1", "198.51.100.1/32 any any"],
      ["198.51.100.0/24", "198.51.100.0/24 any any"],
      ["198.51.100.0/24:51820", "198.51.100.0/24 51820 any"],
      ["[198.51.100.0/24]:51820/udp", "198.51.100.0/24 51820 udp"],
      ["198.51.100.1:443/tcp", "198.51.100.1/32 443 tcp"],
      ["2001:db8::1", "2001:db8::1/128 any any"],
      ["2001:db8::/32", "2001:db8::/32 any any"],
      ["[2001:db8::1]:51820/udp", "2001:db8::1/128 51820 udp"],
      ["*:51820/udp", "any 51820 udp"],
      ["0.0.0.0/0:51820/udp", "0.0.0.0/0 51820 udp"],
      ["*", undefined],
      ["0.0.0.0/0", undefined],
      ["0.0.0.0/0/udp", undefined],
      ["[::/0]/udp", undefined],
      ["::/0", undefined],
      ["*/udp", undefined],
      ["vpn.example:0", undefined],
      ["vpn.example:1194/sctp", undefined],
      ["-j:1194", undefined],
      ["198.51.100.1/24", undefined],
      ["a b", undefined],
    ] as const
  ) {
    if (shown === undefined) assert.throws(() => vpnEndpoint(text), PgwError, text);
    else assert.equal(show(vpnEndpoint(text)), shown);
  }
});
