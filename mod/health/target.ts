/** Who must answer through the VPN, as PGW_HEALTH_TARGETS has it. */

import { AddressError } from "../addr/address_error.ts";
import { type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";

export type HealthTarget =
  /** An echo reply. */
  | { readonly kind: "icmp"; readonly address: Ipv4 }
  /** A connection is accepted. */
  | { readonly kind: "tcp"; readonly address: Ipv4; readonly port: number }
  /** Any answer to a question, by UDP. */
  | { readonly kind: "dns"; readonly address: Ipv4; readonly port: number };

const form = /^(icmp|tcp|dns):\/\/([0-9.]+)(?::([1-9][0-9]{0,4}))?$/;

/**
 * Reads `icmp://ADDRESS`, `tcp://ADDRESS:PORT` or `dns://ADDRESS`, the latter with a port if it is not 53.
 *
 * @throws {AddressError} when it is none of these
 */
export function parseHealthTarget(text: string): HealthTarget {
  const [, kind, host, port] = form.exec(text) ?? [];
  const number = port === undefined ? undefined : Number(port);
  if (host !== undefined && isIpv4(host) && (number ?? 0) <= 65_535) {
    const address = parseIpv4(host);
    if (kind === "icmp" && number === undefined) return { kind, address };
    if (kind === "tcp" && number !== undefined) return { kind, address, port: number };
    if (kind === "dns") return { kind, address, port: number ?? 53 };
  }
  throw new AddressError(
    `'${text}' cannot be asked whether it answers: write icmp://ADDRESS, tcp://ADDRESS:PORT or dns://ADDRESS, with an ` +
      "IPv4 address, such as tcp://203.0.113.1:443",
  );
}
