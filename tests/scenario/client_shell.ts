/**
 * What `runtime/client.ts`, `runtime/applier.ts` and `runtime/event_loop.ts` are to the client's state machine, on a
 * virtual clock: it is stepped by events and by time, and the kernel is made to follow its phase.
 */

import assert from "node:assert/strict";
import { clientNetState, type ClientPhase, isOpen } from "../../mod/netstate/client.ts";
import type { NetState } from "../../mod/netstate/state.ts";
import { type ClientConfig, type ClientState, phaseOf, stageOf, type Step, step } from "../../mod/role/client.ts";
import type { ClientEffect, ClientEvent } from "../../mod/role/client_event.ts";

export type Wanted = {
  readonly view: ClientPhase;
  readonly state: NetState;
  /** Nothing but the firewall is looked at. */
  readonly firewallOnly: boolean;
  /** The firewall is changed when all else is in place. */
  readonly opens: boolean;
};

export type ShellPorts = {
  readonly random: () => number;
  perform(effect: ClientEffect): void;
  /** Begins to make the kernel hold what is wanted. Later, never at once, calls `done`, with the reason if it failed. */
  apply(wanted: Wanted, done: (failure?: string) => void): void;
};

export class ClientShell {
  #step: Step;
  #queue: ClientEvent[] = [];
  #stepping = false;
  #stage = 0;
  #stageName = "";
  #toldStage = -1;
  #appliedKey: string | undefined;
  #busy = false;

  constructor(readonly config: ClientConfig, first: Step, readonly ports: ShellPorts, public now: number) {
    this.#step = first;
  }

  get state(): ClientState {
    return this.#step.state;
  }

  get wakeAt(): number {
    return this.#step.wakeAt;
  }

  /** Whether the kernel holds what the present state wants. */
  get isSettled(): boolean {
    return !this.#busy && this.#wanted()?.key === this.#appliedKey;
  }

  start(): void {
    this.#take(this.#step);
    this.#drain();
  }

  post(event: ClientEvent): void {
    this.#queue.push(event);
    if (!this.#stepping) this.#drain();
  }

  #drain(): void {
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      const before = this.state.kind;
      const next = step(this.config, this.state, event, this.now, this.ports.random);
      assert(!Number.isNaN(next.wakeAt), `after '${event.kind}' in ${before}: wakeAt is not a number`);
      const late = next.wakeAt < this.now && event.kind === "tick";
      assert(!late, `after a tick in ${before}: to be woken in the past`);
      this.#take(next);
    }
  }

  #take(next: Step): void {
    this.#stepping = true;
    this.#step = next;
    if (stageOf(next.state) !== this.#stageName) this.#stage++;
    this.#stageName = stageOf(next.state);
    for (const effect of next.effects) this.ports.perform(effect);
    this.#update();
    this.#stepping = false;
  }

  #wanted(): (Wanted & { readonly key: string; readonly stage: number }) | undefined {
    const view = phaseOf(this.state);
    if (view === undefined) return undefined;
    return {
      view,
      state: clientNetState(this.config.net, view, this.now),
      firewallOnly: view.uplink === undefined,
      opens: isOpen(view),
      key: keyOf(clientNetState(this.config.net, view, 0)),
      stage: this.#stage,
    };
  }

  #update(): void {
    if (this.#busy) return;
    const wanted = this.#wanted();
    if (wanted === undefined) return;
    if (wanted.key === this.#appliedKey) return this.#tell(wanted.key);
    this.#busy = true;
    this.ports.apply(wanted, (failure) => {
      this.#appliedKey = failure === undefined ? wanted.key : undefined;
      if (failure === undefined) this.#tell(wanted.key);
      else this.post({ kind: "applyFailed", reason: failure });
      this.#busy = false;
      const next = this.#wanted();
      if (next !== undefined && (next.key !== wanted.key || next.stage !== wanted.stage)) this.#update();
    });
  }

  /** Puts back what others have changed, as the shell does each ten seconds. */
  repair(): void {
    const wanted = this.#wanted();
    if (this.#busy || wanted === undefined || wanted.key !== this.#appliedKey) return;
    this.#busy = true;
    this.ports.apply({ ...wanted, opens: false }, () => {
      this.#busy = false;
      this.#update();
    });
  }

  #tell(appliedKey: string): void {
    const wanted = this.#wanted();
    if (wanted?.key !== appliedKey || wanted.stage === this.#toldStage) return;
    this.#toldStage = wanted.stage;
    this.post({ kind: "applied" });
  }
}

function keyOf(state: NetState): string {
  return JSON.stringify(state, (_, value) => typeof value === "bigint" ? `${value}` : value);
}
