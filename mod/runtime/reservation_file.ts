/** The file of PGW_DHCP_RESERVATIONS: read at the start, and again whenever it changes. */

import type { Ipv4 } from "../addr/ipv4.ts";
import type { Prefix4 } from "../addr/prefix.ts";
import { parseReservations, type Reservation, Reservations } from "../dhcp/reservations.ts";
import { logger } from "./log.ts";
import { type WatchOptions, watchTextFile } from "./watch.ts";

const log = logger("dhcp");

export type ReservationFileOptions = {
  readonly path: string;
  readonly network: Prefix4;
  /** The server's address and the router's, which cannot be reserved. */
  readonly own: readonly Ipv4[];
  /** Called with each new content in which nothing is wrong. */
  readonly changed: (reservations: Reservations) => void;
  readonly watch?: WatchOptions;
};

/**
 * What is wrong in the file is logged line by line, and what it said before stays in force. Before the start it said
 * nothing: then those lines count that are right.
 */
export class ReservationFile implements Disposable {
  /** What the file says at the start. */
  readonly first: Reservations;
  readonly #options: ReservationFileOptions;
  readonly #watch: { close(): void };

  constructor(options: ReservationFileOptions) {
    this.#options = options;
    const { text, reservations } = this.#read();
    this.first = new Reservations(reservations);
    this.#watch = watchTextFile(options.path, text, () => this.#follow(), options.watch);
  }

  [Symbol.dispose](): void {
    this.#watch.close();
  }

  #follow(): void {
    const { path, changed } = this.#options;
    const { reservations, isRight } = this.#read();
    if (!isRight) return log.error("{path}: the former reservations stay until this is mended", { path });
    log.info("{path}: {count} addresses are reserved", { path, count: reservations.length });
    changed(new Reservations(reservations));
  }

  #read(): { readonly text: string; readonly reservations: readonly Reservation[]; readonly isRight: boolean } {
    const { path, network, own } = this.#options;
    let text: string;
    try {
      text = Deno.readTextFileSync(path);
    } catch (error) {
      log.error("{path}, which PGW_DHCP_RESERVATIONS names, cannot be read: {error}", { path, error });
      return { text: "", reservations: [], isRight: false };
    }
    const { reservations, problems } = parseReservations(text, network, ...own);
    for (const { message } of problems) log.error("{path}: {problem}", { path, problem: message });
    return { text, reservations, isRight: problems.length === 0 };
  }
}
