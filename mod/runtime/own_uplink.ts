/** The Pod's own interface, looked at whenever a gateway is searched for. */

import type { Ipv4 } from "../addr/ipv4.ts";
import { forgetConnections } from "../linux/conntrack.ts";
import { observeUplink } from "../linux/reconcile.ts";
import type { Uplink } from "../netstate/uplink.ts";
import { logger } from "./log.ts";

const log = logger("network");

export class OwnUplink {
  #address: Ipv4 | undefined;

  constructor(readonly name?: string) {}

  /** @throws {UplinkError} */
  async look(): Promise<Uplink> {
    const uplink = await observeUplink(this.name);
    const former = this.#address;
    this.#address = uplink.address;
    if (former !== undefined && former !== uplink.address) await this.#forget();
    return uplink;
  }

  /**
   * With the address go all connections that it had. The answers of a DHCP server in the tunnel are one that would be led
   * to it for ever, because each attempt to lease an address keeps it alive.
   */
  async #forget(): Promise<void> {
    log.info("the Pod has another address: its connections are forgotten");
    try {
      await forgetConnections();
    } catch (error) {
      log.warn("connections of the Pod's former address are not forgotten: {error}", { error });
    }
  }
}
