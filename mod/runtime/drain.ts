/** The gateway's last seconds: its clients are told to move until none is left. */

import type { ProbeResponder } from "./probe_responder.ts";

const intervalMs = 200;

/** Tells the clients now and again, and calls `deserted` when there is none (any more), until it is disposed of. */
export class Drain implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(readonly probe: Pick<ProbeResponder, "clients" | "tellAll">, readonly deserted: () => void) {
    this.#timer = setInterval(() => this.#tell(), intervalMs);
    this.#tell();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #tell(): void {
    if (this.probe.clients === 0) this.deserted();
    else this.probe.tellAll();
  }
}
