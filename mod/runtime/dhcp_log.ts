/** What the DHCP server says of its work. */

import { formatIpv4 } from "../addr/ipv4.ts";
import { formatMac } from "../addr/mac.ts";
import type { LeaseState } from "../dhcp/binding.ts";
import type { ServerEvent } from "../dhcp/server.ts";
import { logger } from "./log.ts";

const log = logger("dhcp");

/** What strangers can cause again and again is said this seldom. */
const intervalMs = 60_000;

type Pool = { counts(now: number): Record<LeaseState | "free", number> };

export class DhcpLog {
  readonly #saidAt = new Map<string, number>();
  /** Most is said to nobody, and must cost nothing. Levels are set before there is a server, and once. */
  readonly #isHeard = { info: log.isEnabledFor("info"), debug: log.isEnabledFor("debug") };

  /** @param pool knows how many addresses are in each state */
  tell(event: ServerEvent, pool: Pool, now: number): void {
    if (event.kind === "dropped" && event.reason === "pool exhausted") return this.#full(pool, now);
    if (event.kind === "dropped" && event.reason === "foreign hardware address") return this.#foreignHardware(now);
    const level = event.kind === "leased" || event.kind === "refused" ? "info" : "debug";
    if (!this.#isHeard[level]) return;
    if (event.kind === "dropped") return log[level]("a DHCP message is dropped: {reason}", { reason: event.reason });
    const { chaddr, hostName } = event.client;
    const fields = { address: formatIpv4(event.address), mac: formatMac(chaddr), hostName };
    if (event.kind !== "refused") return log[level](`{address} ${event.kind}: {mac}`, fields);
    log[level]("{address} is refused to {mac}: {reason}", { ...fields, reason: event.reason });
  }

  failed(problem: string, error: Error): void {
    if (this.#isDue(problem, Date.now())) log.warn(`${problem}: {error}`, { error });
  }

  #full(pool: Pool, now: number): void {
    if (!this.#isDue("full", now)) return;
    const { bound, offered, declined } = pool.counts(now);
    log.error(
      "a client gets no address: {bound} are leased, {offered} offered and {declined} used by others, which is all; " +
        "widen PGW_DHCP_POOL or PGW_VXLAN_IP_NETWORK, or shorten PGW_DHCP_LEASE_TIME",
      { bound, offered, declined },
    );
  }

  #foreignHardware(now: number): void {
    if (!this.#isDue("foreign hardware", now)) return;
    log.warn("somebody in the tunnel sends DHCP messages in the name of another hardware address: they are dropped");
  }

  #isDue(what: string, now: number): boolean {
    const last = this.#saidAt.get(what);
    if (last !== undefined && now - last < intervalMs && now >= last) return false;
    this.#saidAt.set(what, now);
    return true;
  }
}
