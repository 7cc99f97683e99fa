/** The Pod's own interface, looked at whenever a gateway is searched for, and followed whenever the kernel is looked at. */

import { forgetConnections } from "../linux/conntrack.ts";
import { observeUplink } from "../linux/reconcile.ts";
import { findChangedUplink } from "../linux/uplink.ts";
import type { Observed } from "../netstate/diff.ts";
import type { Uplink } from "../netstate/uplink.ts";
import { logger } from "./log.ts";

const log = logger("network");

export class OwnUplink {
  #known: Uplink | undefined;

  constructor(readonly name?: string, known?: Uplink) {
    this.#known = known;
  }

  /** @throws {UplinkError} */
  async look(): Promise<Uplink> {
    const uplink = await observeUplink(this.name);
    await this.#know(uplink);
    return uplink;
  }

  /** What it is by now; `undefined`: what it was, or nothing is known of it. */
  follow(observed: Observed): Uplink | undefined {
    const changed = this.#known && findChangedUplink(observed, this.#known);
    if (changed === undefined) return undefined;
    log.info("the Pod's own addresses or routes are others now");
    this.#know(changed);
    return changed;
  }

  /**
   * With the address go all connections that it had. The answers of a DHCP server in the tunnel are one that would be led
   * to it for ever, because each attempt to lease an address keeps it alive.
   */
  async #know(uplink: Uplink): Promise<void> {
    const former = this.#known;
    this.#known = uplink;
    if (former === undefined || former.address === uplink.address) return;
    log.info("the Pod has another address: its connections are forgotten");
    try {
      await forgetConnections();
    } catch (error) {
      log.warn("connections of the Pod's former address are not forgotten: {error}", { error });
    }
  }
}
