/** Follows the names among the endpoints of a VPN: their addresses are what the VPN's own connection may go to. */

import { formatIpv4, type Ipv4, isIpv4, parseIpv4 } from "../addr/ipv4.ts";
import { prefix4 } from "../addr/prefix.ts";
import type { EndpointSetting } from "../config/vpn_endpoint.ts";
import type { VpnEndpoint } from "../netstate/vpn_endpoint.ts";
import type { ClusterResolver } from "./gateway_dns.ts";
import { messageOf } from "./failure.ts";
import { logger } from "./log.ts";
import { resolveName } from "./resolver.ts";
import { readTextIfThere } from "./text_file.ts";

const log = logger("vpn");
/** Milliseconds between questions; while a name has no address, the VPN cannot connect: then sooner. */
const intervals = { known: 30_000, unknown: 2_000 };
/**
 * Of a name that changes with each question, as those of big VPN services do, so many addresses are kept: the VPN may
 * have been told of one that is not in the newest answer.
 */
const addressesKept = 64;

export class VpnNames implements Disposable {
  /** The newest address last. */
  readonly #addresses = new Map<string, Ipv4[]>();
  /** What was said of each name that has no address, so that it is said once. */
  readonly #said = new Map<string, string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(
    readonly settings: readonly EndpointSetting[],
    readonly cluster: ClusterResolver,
    readonly changed: () => void,
    readonly intervalMs: typeof intervals = intervals,
  ) {
    for (const { name } of settings) if (name !== undefined) this.#addresses.set(name, []);
  }

  /** All endpoints, names replaced by their addresses as far as they are known. */
  endpoints(): VpnEndpoint[] {
    return this.settings.flatMap(({ name, ...endpoint }): VpnEndpoint[] =>
      name === undefined ? [endpoint] : (this.#addresses.get(name) ?? []).toSorted((a, b) => a - b)
        .map((address) => ({ ...endpoint, prefix: prefix4(address, 32) }))
    );
  }

  /** Ends when each name has been asked for once. From then on they are asked for again and again. */
  async start(): Promise<void> {
    if (this.#addresses.size > 0) await this.#ask();
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    const learned = await Promise.all([...this.#addresses.keys()].map((name) => this.#learn(name)));
    if (this.#isClosed) return;
    if (learned.includes(true)) this.changed();
    const isWhole = [...this.#addresses.values()].every((addresses) => addresses.length > 0);
    this.#timer = setTimeout(() => this.#ask(), isWhole ? this.intervalMs.known : this.intervalMs.unknown);
  }

  /** Whether there was anything new. */
  async #learn(name: string): Promise<boolean> {
    const known = this.#addresses.get(name) ?? [];
    try {
      const found = await resolveName(name, {
        nameservers: this.cluster.servers.filter(isIpv4).map(parseIpv4),
        search: this.cluster.search,
        ndots: 1,
        hosts: readTextIfThere("/etc/hosts"),
      });
      const fresh = found.filter((address) => !known.includes(address));
      const kept = [...known.filter((address) => !found.includes(address)), ...found].slice(-addressesKept);
      this.#addresses.set(name, kept);
      if (fresh.length > 0) log.info("{name} is {addresses}", { name, addresses: fresh.map(formatIpv4).join(", ") });
      return fresh.length > 0;
    } catch (error) {
      const reason = messageOf(error);
      const isNews = known.length === 0 && this.#said.get(name) !== reason;
      log[isNews ? "error" : "debug"]("the endpoint of the VPN, {name}: {error}", { name, error: reason });
      this.#said.set(name, reason);
      return false;
    }
  }
}
