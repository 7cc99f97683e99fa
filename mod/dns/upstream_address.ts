/** Where a question can be sent, as a setting or /etc/resolv.conf names it. */

import { AddressError } from "../addr/address_error.ts";
import { isIpv4 } from "../addr/ipv4.ts";
import { formatIpv6, isIpv6, parseIpv6 } from "../addr/ipv6.ts";

export type UpstreamAddress = {
  /** `tls`: DNS over TLS (RFC 7858), the certificate must be that of `serverName`. */
  readonly transport: "udp" | "tls";
  /** In canonical text. */
  readonly address: string;
  readonly port: number;
  readonly serverName?: string;
};

const form =
  /^(?<tls>tls:\/\/)?(?:\[(?<v6>[^\]]+)\]|(?<v4>[^:#[\]]+))(?::(?<port>[1-9][0-9]{0,4}))?(?:#(?<name>[A-Za-z0-9.-]+))?$/;

/**
 * Parses `ADDRESS`, `ADDRESS:PORT`, `[ADDRESS]:PORT` or `tls://ADDRESS[:PORT]#NAME`.
 *
 * @throws {AddressError} when it is none of these
 */
export function parseUpstream(text: string): UpstreamAddress {
  const groups = isIpv6(text) ? { v6: text } : form.exec(text)?.groups;
  const { tls, v4, v6, port, name } = groups ?? {};
  const address = v4 !== undefined && isIpv4(v4)
    ? v4
    : v6 !== undefined && isIpv6(v6)
    ? formatIpv6(parseIpv6(v6))
    : undefined;
  if (address === undefined || Number(port ?? 53) > 65_535 || (tls === undefined) !== (name === undefined)) {
    throw new AddressError(
      `'${text}' is not a DNS server: write ADDRESS, ADDRESS:PORT, [IPV6]:PORT or tls://ADDRESS#NAME, such as 10.8.0.1`,
    );
  }
  if (name === undefined) return { transport: "udp", address, port: Number(port ?? 53) };
  return { transport: "tls", address, port: Number(port ?? 853), serverName: name };
}

/** The text that {@link parseUpstream} reads, without a default port. */
export function formatUpstream({ transport, address, port, serverName }: UpstreamAddress): string {
  const isDefault = port === (transport === "tls" ? 853 : 53);
  const host = address.includes(":") && (!isDefault || transport === "tls") ? `[${address}]` : address;
  return `${transport === "tls" ? "tls://" : ""}${host}${isDefault ? "" : `:${port}`}${
    serverName ? `#${serverName}` : ""
  }`;
}
