/** Packets seen on one interface of one namespace, kept by the kernel while tests wait. */
import { decodeFrame, describe, type Packet } from "./packet.ts";
import { PacketRing } from "./packet_ring.ts";

export type PacketFilter = (packet: Packet) => boolean;

const drainEveryMs = 100;

/**
 * ```ts
 * using leaks = lab.captureDirect(from(client));
 * ...
 * leaks.assertNone();
 * ```
 */
export class Capture {
  readonly #filter: PacketFilter;
  readonly #timer: ReturnType<typeof setInterval>;
  #ring: PacketRing | undefined;
  #packets: Packet[] = [];

  /** @param namespace path of the network namespace, such as /run/netns/l1-router */
  constructor(namespace: string, readonly device: string, filter: PacketFilter = () => true) {
    this.#filter = filter;
    this.#ring = new PacketRing(namespace, device);
    this.#timer = setInterval(() => this.#drain(), drainEveryMs);
    Deno.unrefTimer(this.#timer);
  }

  /** What the filter let through so far, oldest first. */
  packets(filter: PacketFilter = () => true): readonly Packet[] {
    this.#drain();
    return this.#packets.filter(filter);
  }

  /** What the filter let through since the last time, oldest first; it is forgotten. */
  take(): readonly Packet[] {
    this.#drain();
    this.#refuseGaps();
    return this.#packets.splice(0);
  }

  /** Packets that were not seen because there was no room for them. */
  get lost(): number {
    return this.#ring?.lost ?? 0;
  }

  /** Forgets what was seen, or those of it that match; returns how many packets that were. */
  clear(filter: PacketFilter = () => true): number {
    this.#drain();
    const before = this.#packets.length;
    this.#packets = this.#packets.filter((packet) => !filter(packet));
    return before - this.#packets.length;
  }

  /** Waits for a packet and returns it; throws after `timeoutMs`. */
  async waitFor(filter: PacketFilter, timeoutMs = 30_000): Promise<Packet> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.packets().find(filter);
      if (found !== undefined) return found;
      if (performance.now() > deadline) throw new Error(`no such packet on ${this.device} within ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Throws with the first packets when there are any. */
  assertNone(filter: PacketFilter = () => true): void {
    const seen = this.packets(filter);
    this.#refuseGaps();
    if (seen.length === 0) return;
    const first = seen.slice(0, 12).map((packet) => `  ${new Date(packet.at).toISOString()} ${describe(packet)}`);
    throw new Error(`${seen.length} packets on ${this.device} that must not be there:\n${first.join("\n")}`);
  }

  [Symbol.dispose](): void {
    this.#drain();
    clearInterval(this.#timer);
    this.#ring?.close();
    this.#ring = undefined;
  }

  #refuseGaps(): void {
    if (this.lost > 0) throw new Error(`the capture on ${this.device} lost ${this.lost} packets: any could be the one`);
  }

  #drain(): void {
    for (const { bytes, at, isOutgoing } of this.#ring?.read() ?? []) {
      const packet = decodeFrame(bytes, at, isOutgoing ? "out" : "in");
      if (this.#filter(packet)) this.#packets.push(packet);
    }
  }
}
