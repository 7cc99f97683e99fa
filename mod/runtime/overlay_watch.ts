/** Addresses that are seen in use on the overlay, whether or not the DHCP server gave them. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { formatMac, type Mac } from "../addr/mac.ts";
import { type Host, OverlayHosts } from "../linux/overlay_hosts.ts";

export type OverlayWatchPorts = {
  readonly device: string;
  /** `mac` was seen to use `address`. */
  seen(address: Ipv4, mac: Mac): void;
  /** Whom it matters now to have been seen or not. */
  wanted(): readonly Mac[];
  /** What came of it. `isSeen`: whether a frame of a MAC came after a time (milliseconds since 1970). */
  looked(isSeen: (mac: Mac, after: number) => boolean): void;
  failed(error: unknown): void;
};

const lookIntervalMs = 10_000;
/** A client's last frames come some time after its lease has ended, if only because it gives it back. */
const lingeringMs = 2_000;

export class OverlayWatch implements Disposable {
  readonly #hosts: OverlayHosts;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  private constructor(readonly ports: OverlayWatchPorts) {
    this.#hosts = new OverlayHosts(ports.device);
  }

  /** Returns when what was there before it has been seen. */
  static async start(ports: OverlayWatchPorts): Promise<OverlayWatch> {
    const watch = new OverlayWatch(ports);
    // A process before this one may have given leases that were not written down: their holders are still there.
    watch.#tell(await watch.#hosts.known());
    watch.#follow().catch(ports.failed);
    watch.#lookLater();
    return watch;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#hosts[Symbol.dispose]();
  }

  async #follow(): Promise<void> {
    for (let hosts = await this.#hosts.learned(); hosts !== undefined; hosts = await this.#hosts.learned()) {
      this.#tell(hosts);
    }
  }

  #tell(hosts: readonly Host[]): void {
    for (const { address, mac } of hosts) this.ports.seen(address, mac);
  }

  #lookLater(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(
      () => this.#look().catch(this.ports.failed).finally(() => this.#lookLater()),
      lookIntervalMs,
    );
  }

  async #look(): Promise<void> {
    const macs = this.ports.wanted();
    const now = Date.now();
    const ages = await this.#hosts.lastSeen(macs);
    if (this.#closed) return;
    const ageOf = new Map(macs.map((mac, index) => [formatMac(mac), ages[index] ?? Infinity]));
    // Whoever was not asked about is better believed to be there.
    this.ports.looked((mac, after) => now - (ageOf.get(formatMac(mac)) ?? -Infinity) > after + lingeringMs);
  }
}
