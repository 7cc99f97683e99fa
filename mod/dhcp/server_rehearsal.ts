/**
 * An exchange with nobody. V8 compiles a function when it is first called, and forgets the code of one that has not been
 * called for long: the first message after a quiet time took 2 ms longer to answer than the next one. Whoever has time
 * beforehand takes an exchange through the same functions. Nothing stays of it, and nobody hears of it.
 */

import { prefix4 } from "../addr/prefix.ts";
import { decodeDhcp, encodeDhcp } from "../wire/dhcpv4.ts";
import { discoverMessage } from "./client_messages.ts";
import { noReservations } from "./reservations.ts";
import { DhcpServer, type DhcpServerConfig, type Outcome } from "./server.ts";

/** What a server like that of `config` makes of a client's first message. */
export function rehearseAnswer({ range: _, ...config }: DhcpServerConfig, now: number): Outcome {
  // The smallest network with the server's address: all pools work alike.
  const network = prefix4(config.address, 29);
  const server = new DhcpServer({ ...config, network, reservations: noReservations }, [], now);
  const identity = { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), hostName: "rehearsal" };
  return server.handle(decodeDhcp(encodeDhcp(discoverMessage(identity, { xid: 1, secs: 0 }))), now);
}
