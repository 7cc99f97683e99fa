/** Counts the traffic of each client, if the user wants it and the kernel can. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { SocketError } from "../linux/socket_error.ts";
import type { ClientTraffic } from "../netstate/client_traffic.ts";
import { logger } from "./log.ts";

const log = logger("metrics");

export type TrafficCounter = { read(): ReadonlyMap<Ipv4, ClientTraffic>; close(): void };

/** Counts what is forwarded from and to `device`; `undefined`: this kernel cannot. */
export async function countTraffic(device: string): Promise<TrafficCounter | undefined> {
  const { ClientTrafficCounter } = await import("../linux/client_traffic.ts");
  try {
    const counter = ClientTrafficCounter.open(device);
    return {
      read: () => orNothing(() => counter.read()) ?? new Map(),
      close: () => counter[Symbol.dispose](),
    };
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    log.info("the traffic of clients is not counted: {error}", { error });
    return undefined;
  }
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    log.warn("the traffic of clients cannot be read: {error}", { error });
    return undefined;
  }
}
