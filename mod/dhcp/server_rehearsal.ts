/**
 * An exchange with nobody. V8 compiles a function when it is first called, and forgets the code of one that has not been
 * called for long: the first message after a quiet time took 2 ms longer to answer than the next one. Whoever has time
 * beforehand takes an exchange through the same functions. Nothing stays of it, and nobody hears of it.
 */

import { prefix4 } from "../addr/prefix.ts";
import { decodeDhcp, type DhcpMessage, encodeDhcp } from "../wire/dhcpv4.ts";
import { discoverMessage, requestMessage } from "./client_messages.ts";
import { noReservations } from "./reservations.ts";
import { DhcpServer, type DhcpServerConfig, type Outcome } from "./server.ts";

/** What a server like that of `config` makes of a client's first message, and of the request that takes an offer. */
export function rehearseAnswers({ range: _, ...config }: DhcpServerConfig, now: number): readonly Outcome[] {
  // The smallest network with the server's address: all pools work alike.
  const network = prefix4(config.address, 29);
  const server = new DhcpServer({ ...config, network, reservations: noReservations }, [], now);
  const identity = { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), hostName: "rehearsal" };
  const transaction = { xid: 1, secs: 0 };
  const answer = (message: DhcpMessage) => server.handle(decodeDhcp(encodeDhcp(message)), now);
  const first = answer(discoverMessage(identity, transaction));
  if (first.reply === undefined) return [first];
  return [first, answer(requestMessage(identity, transaction, first.reply.message.yiaddr, config.address))];
}
