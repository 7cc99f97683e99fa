/** The gateway's last seconds: its clients are told to move until none is left. */

import { formatIpv4 } from "../addr/ipv4.ts";
import { logger } from "./log.ts";
import type { ProbeResponder } from "./probe_responder.ts";

const log = logger("gateway");
const intervalMs = 200;

/** Tells the clients now and again, and calls `deserted` when there is none (any more), until it is disposed of. */
export class Drain implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    readonly probe: Pick<ProbeResponder, "clients" | "tellAll" | "expire">,
    readonly deserted: () => void,
  ) {
    this.#timer = setInterval(() => this.#tell(), intervalMs);
    this.#tell();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #tell(): void {
    this.probe.tellAll();
    for (const address of this.probe.expire()) {
      log.info("not waited for: {address}, which was not heard of since it was told to move", {
        address: formatIpv4(address),
      });
    }
    if (this.probe.clients === 0) this.deserted();
  }
}
