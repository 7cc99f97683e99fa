/** Counts the traffic of each client, if the user wants it and the kernel can. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { MissingCapabilityError } from "../errors.ts";
import type { ClientTrafficCounter } from "../linux/client_traffic.ts";
import { SocketError } from "../linux/socket_error.ts";
import type { ClientTraffic } from "../netstate/client_traffic.ts";
import { logger } from "./log.ts";

const log = logger("metrics");

/** Begins with the first reading: as long as nobody asks, no packet takes the time to be counted. */
export class TrafficCounter {
  #counter: Promise<ClientTrafficCounter | undefined> | undefined;

  /** Of what is forwarded from and to `device`. */
  constructor(readonly device: string) {}

  /** Since the first reading, by client; `undefined`: this kernel cannot count it. */
  async read(): Promise<ReadonlyMap<Ipv4, ClientTraffic> | undefined> {
    const counter = await (this.#counter ??= open(this.device));
    try {
      return counter?.read();
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      log.warn("the traffic of clients cannot be read: {error}", { error });
      return undefined;
    }
  }

  async close(): Promise<void> {
    (await this.#counter)?.[Symbol.dispose]();
  }
}

async function open(device: string): Promise<ClientTrafficCounter | undefined> {
  const { ClientTrafficCounter } = await import("../linux/client_traffic.ts");
  try {
    return ClientTrafficCounter.open(device);
  } catch (error) {
    if (!(error instanceof SocketError || error instanceof MissingCapabilityError)) throw error;
    log.info("the traffic of clients is not counted: {error}", { error });
    return undefined;
  }
}
