/** A gateway of the client's model: its DHCP server, what it tells of itself, and whether it is there at all. */

import type { Ipv4 } from "../../mod/addr/ipv4.ts";
import { DhcpServer } from "../../mod/dhcp/server.ts";
import type { GatewayCondition } from "../../mod/health/probe.ts";
import type { GatewayAnswer } from "../../mod/role/client_event.ts";
import { overlay, overlayGateway, vxlan } from "../unit/netstate/fixtures.ts";

export class ModelGateway {
  readonly #random: () => number;
  server: DhcpServer;
  condition: GatewayCondition;
  isAlive = true;

  constructor(readonly podAddress: Ipv4, random: () => number) {
    this.#random = random;
    this.server = newServer(0);
    this.condition = this.#newCondition();
  }

  /** It is there, in best health, as another process than before. */
  restart(): void {
    this.isAlive = true;
    this.condition = this.#newCondition();
  }

  forgetLeases(now: number): void {
    this.server = newServer(now);
  }

  /** What it answers over HTTP. */
  get answer(): GatewayAnswer {
    const { podAddress, condition } = this;
    return { podAddress, info: { podAddress, vxlan, condition } };
  }

  #newCondition(): GatewayCondition {
    const instance = Array.from({ length: 32 }, () => Math.floor(this.#random() * 16).toString(16)).join("");
    return { instance, healthy: true, draining: false, full: false };
  }
}

function newServer(now: number): DhcpServer {
  return new DhcpServer({ address: overlayGateway, network: overlay, leaseSeconds: 8, rapidCommit: true }, [], now);
}
