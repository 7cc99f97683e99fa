/** A client's history: how long it could not reach a gateway, as far as it can tell. */

import { Histogram } from "./histogram.ts";
import { History, type Why } from "./history.ts";

/** The phases of docs/security.md. */
export const clientPhases = ["closed", "discovering", "leasing", "verifying", "open", "moving", "stopped"] as const;

/** Seconds: from a blink that no application notices to what pages somebody. */
const outageBounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

const probeBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2];
/** More questions are not remembered: a watch gives up before. */
const probesKept = 16;

export class ClientHistory extends History {
  /**
   * From the last sign of life of a gateway to when the Pod was open again: what an application noticed was as long or
   * shorter, because nobody knows when between two signs the gateway went.
   */
  readonly outages = new Histogram(outageBounds);
  /** From when the Pod was closed to when it was open again. */
  readonly reconnects = new Histogram(outageBounds);
  readonly probeTimes = new Histogram(probeBounds);
  probes = 0;
  probeAnswers = 0;
  /** When each probe was sent, by its nonce. */
  readonly #asked = new Map<string, number>();
  #isOpen = false;
  #heardAt: number | undefined;
  #closedAt: number | undefined;

  constructor() {
    super(clientPhases);
  }

  /** When a gateway was last heard of; `undefined`: never. Milliseconds since 1970. */
  get heardAt(): number | undefined {
    return this.#heardAt;
  }

  probed(nonce: string, at: number): void {
    this.probes++;
    this.#asked.set(nonce, at);
    if (this.#asked.size > probesKept) this.#asked.delete(this.#asked.keys().next().value!);
  }

  /** A gateway has answered that, or said something unasked. */
  heard(nonce: string, at: number): void {
    const askedAt = this.#asked.get(nonce);
    if (askedAt !== undefined) {
      this.#asked.delete(nonce);
      this.probeAnswers++;
      this.probeTimes.observe((at - askedAt) / 1000);
    }
    if (this.#isOpen) this.#heardAt = at;
  }

  override enter(state: string, phase: string, at: number, why?: Why): void {
    super.enter(state, phase, at, why);
    const isOpen = phase === "open" || phase === "moving";
    if (isOpen === this.#isOpen) return;
    this.#isOpen = isOpen;
    if (!isOpen) {
      this.#closedAt = at;
      return;
    }
    if (this.#closedAt !== undefined && this.#heardAt !== undefined) {
      this.outages.observe((at - this.#heardAt) / 1000);
      this.reconnects.observe((at - this.#closedAt) / 1000);
    }
    this.#heardAt = at;
  }
}
