/** Where a gateway's clients are, as the kernel has it. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { clientMac, type Mac, podAddressOf } from "../addr/mac.ts";
import { NeighborTable } from "../linux/neighbor_table.ts";

/**
 * The overlay has no broadcast from the gateway's side: it cannot ask by ARP where an address is, and need not, since it
 * gave it. Nor can another client claim it.
 *
 * A client's MAC tells its Pod's address. Once a frame came from there, no other Pod's frame with that MAC moves it, as
 * VXLAN devices else learn from whoever sent the last one (RFC 7348 section 4.1).
 */
export class ClientPlaces implements Disposable {
  readonly #table: NeighborTable;
  /** By leased address: the VTEP of its holder. As many as there are addresses at most. */
  readonly #ends = new Map<Ipv4, Ipv4>();
  /** The inverse: a client whose lease is another by now keeps its place. */
  readonly #addresses = new Map<Ipv4, Ipv4>();

  /** @throws {SocketError} there is no such device (`ENODEV`) */
  constructor(device: string) {
    this.#table = new NeighborTable(device);
  }

  /** With the next {@link flush}, `address` is at `mac`. */
  set(address: Ipv4, mac: Mac): void {
    this.#table.set(address, mac);
    const end = podAddressOf(mac);
    const former = this.#ends.get(address);
    if (end === former) return;
    if (former !== undefined) this.#leave(address, former);
    // Whoever claims the MAC of a Pod that is not there would have frames sent to wherever it likes.
    if (end !== undefined && this.#table.endOf(mac) === end) {
      this.#table.pin(mac, end);
      this.#ends.set(address, end);
      this.#addresses.set(end, address);
    }
  }

  /** @throws {SocketError} the device is gone (`ENODEV`), or the kernel's table is full (`ENOBUFS`) */
  flush(): void {
    this.#table.flush();
  }

  [Symbol.dispose](): void {
    this.#table[Symbol.dispose]();
  }

  #leave(address: Ipv4, end: Ipv4): void {
    this.#ends.delete(address);
    if (this.#addresses.get(end) !== address) return;
    this.#addresses.delete(end);
    this.#table.unpin(clientMac(end), end);
  }
}
