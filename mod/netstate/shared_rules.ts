/** Rules that both roles have. */

import type { Chain, Firewall } from "./state.ts";

/** A chain without rules is none: packets need not pass it, and to make one is quicker than to replace what it holds. */
export function withRules(chains: readonly Chain[]): Firewall {
  return { chains: chains.filter(({ rules }) => rules.length > 0) };
}

/** How a packet is refused at once, so that an application fails fast (RFC 1812 section 5.2.7.1, RFC 4443 section 3.1). */
export const rejection = {
  4: "-j REJECT --reject-with icmp-admin-prohibited",
  6: "-j REJECT --reject-with icmp6-adm-prohibited",
} as const;

/** Router and neighbour solicitations and advertisements (RFC 4861): nothing goes by IPv6 without, and they stay on the link. */
export const neighborDiscovery: readonly string[] = [133, 135, 136].map((type) =>
  `-p ipv6-icmp -m icmp6 --icmpv6-type ${type} -j RETURN`
);
