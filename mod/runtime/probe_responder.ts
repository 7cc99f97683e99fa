/** Answers the clients' probes on the overlay, and tells them unasked when the gateway is about to stop. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { decodeProbeQuestion, encodeProbeAnswer, type GatewayCondition, notice } from "../health/probe.ts";
import { SocketError } from "../linux/socket_error.ts";
import { UdpSocket } from "../linux/udp_socket.ts";
import { probePort } from "../netstate/names.ts";
import { WireError } from "../wire/bytes.ts";

/** More clients than this are not told unasked; they learn it with their next probe. */
const mostClients = 65_536;

export class ProbeResponder {
  readonly #socket: UdpSocket;
  /** Where each client asked from last. */
  readonly #clients = new Map<Ipv4, number>();

  constructor(listen: { readonly device: string; readonly address: Ipv4 }, readonly condition: () => GatewayCondition) {
    this.#socket = UdpSocket.open({ ...listen, port: probePort, reuseAddress: true, batch: 16 });
    this.#serve();
  }

  /** Sends the present condition to every client that was heard of. */
  tellAll(): void {
    const bytes = encodeProbeAnswer({ nonce: notice, condition: this.condition() });
    for (const [address, port] of this.#clients) this.#send(bytes, address, port);
  }

  close(): void {
    this.#socket.close();
  }

  async #serve(): Promise<void> {
    for (
      let received = await this.#socket.receiveBatch();
      received !== undefined;
      received = await this.#socket.receiveBatch()
    ) {
      for (let index = 0; index < received.count; index++) {
        try {
          const { nonce } = decodeProbeQuestion(received.bytes(index));
          const address = received.address(index);
          const port = received.port(index);
          if (this.#clients.size < mostClients || this.#clients.has(address)) this.#clients.set(address, port);
          this.#send(encodeProbeAnswer({ nonce, condition: this.condition() }), address, port);
        } catch (error) {
          if (!(error instanceof WireError)) throw error;
        }
      }
    }
  }

  #send(bytes: Uint8Array<ArrayBuffer>, address: Ipv4, port: number): void {
    try {
      this.#socket.send(bytes, { address, port });
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
    }
  }
}
