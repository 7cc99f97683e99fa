/** When a DHCP client speaks again that got no answer (RFC 2131 sections 4.1 and 4.4.5). */

/**
 * Milliseconds between transmissions. RFC 2131 begins at 4 s, for a LAN where hundreds of hosts come up at once after a
 * power cut. Here the only listener is the gateway, a tunnel away: an answer comes within milliseconds or not at all.
 *
 * Nothing is lost because the tunnel is new: of 54 starts between fresh Pods, the gateway being there before or after the
 * client, none had a first message without an answer, which came after 3 ms (at most 10, on a busy machine). So 200 ms is
 * twenty times the longest, and what a message that was really lost costs a Pod's start. From the fourth on it is the RFC's schedule.
 * (`deno task bench first-discover`.)
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
