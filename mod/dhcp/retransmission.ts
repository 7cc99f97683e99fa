/** When a DHCP client speaks again that got no answer (RFC 2131 sections 4.1 and 4.4.5). */

/**
 * Milliseconds between transmissions. RFC 2131 begins at 4 s, for a LAN where hundreds of hosts come up at once after a
 * power cut. Here the only listener is the gateway, a tunnel away: an answer comes within milliseconds or not at all,
 * and the first message is often lost because the other end of the tunnel is still being set up. Four seconds of a
 * Pod's start for that would be waste, a packet more is not. From the fourth on it is the RFC's schedule.
 */
const schedule = [200, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000] as const;
const lastDelay = 64_000;
/** The transmissions that come sooner after the one before than RFC 2131 allows, so that an answer may be to any of them. */
export const earlyAttempts = 4;

/** How long to wait for an answer to transmission number `attempt`, from 0, in milliseconds. */
export function retransmissionDelay(attempt: number, random: () => number): number {
  const delay = schedule[attempt] ?? lastDelay;
  const jitter = Math.min(1_000, delay / 4);
  return delay + jitter * (2 * random() - 1);
}

/**
 * When a renewal is repeated: after half of what remains until `deadline`, "down to a minimum of 60 seconds" (section
 * 4.4.5). That minimum is made for leases of hours: one of minutes gets a sixteenth of its duration instead, or else a
 * single lost packet would cost it the address.
 */
export function renewalRetryAt(now: number, deadline: number, leaseDuration: number): number {
  const minimum = Math.min(60_000, leaseDuration / 16);
  return Math.min(deadline, now + Math.max(minimum, (deadline - now) / 2));
}
