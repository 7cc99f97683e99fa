/** Answers the clients' probes on the overlay, and tells them unasked when the gateway's condition has changed. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { answerInPlace, encodeProbeAnswer, type GatewayCondition, notice } from "../health/probe.ts";
import { Watchers } from "../health/watchers.ts";
import type { DatagramBatch } from "../linux/datagram_batch.ts";
import { SocketError } from "../linux/socket_error.ts";
import { UdpSocket } from "../linux/udp_socket.ts";
import { probePort } from "../netstate/names.ts";

export class ProbeResponder {
  readonly #socket: UdpSocket;
  readonly #clients = new Watchers();
  #told: string | undefined;

  constructor(
    readonly listen: { readonly device: string; readonly address: Ipv4 },
    readonly condition: () => GatewayCondition,
  ) {
    this.#socket = UdpSocket.open({ ...listen, port: probePort, reuseAddress: true, batch: 16 });
    this.#socket.serve((received) => this.#serve(received));
  }

  /** How many clients there are that were heard of lately and have not left. */
  get clients(): number {
    return this.#clients.size;
  }

  /** Forgets those that are silent for too long; their addresses. */
  expire(): Ipv4[] {
    return this.#clients.expire(performance.now());
  }

  /** Sends the present condition to every client that was heard of. */
  tellAll(): void {
    const condition = this.condition();
    this.#told = tellable(condition);
    if (condition.draining) this.#clients.tellToMove(performance.now());
    const bytes = encodeProbeAnswer({ nonce: notice, condition });
    for (const [address, port] of this.#clients) this.#send(bytes, address, port);
  }

  /** To be called when the condition may have changed: clients are told if it has. */
  update(): void {
    const now = tellable(this.condition());
    if (this.#told !== undefined && now !== this.#told) this.tellAll();
    this.#told = now;
  }

  /** The client with this address has given it back. */
  forget(address: Ipv4): void {
    this.#clients.forget(address);
  }

  /** The device was made anew under its name. */
  followDevice(): void {
    this.#socket.bindTo(this.listen.device);
  }

  close(): void {
    this.#socket.close();
  }

  #serve(received: DatagramBatch): void {
    const answer = encodeProbeAnswer({ nonce: notice, condition: this.condition() });
    const now = performance.now();
    for (let index = 0; index < received.count; index++) {
      const bytes = received.bytes(index);
      if (!answerInPlace(bytes, answer)) continue;
      this.#clients.hear(received.address(index), received.port(index), now);
      received.reply(index, bytes.length);
    }
    this.#socket.sendBatch();
  }

  #send(bytes: Uint8Array<ArrayBuffer>, address: Ipv4, port: number): void {
    try {
      this.#socket.send(bytes, { address, port });
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
    }
  }
}

/** What of a condition a client acts upon. */
function tellable({ healthy, draining }: GatewayCondition): string {
  return `${healthy} ${draining}`;
}
