/** Drives a pure state machine: hands it events and the time, one after the other, and does what it asks for. */

export type MachineStep<State, Effect> = {
  readonly state: State;
  readonly effects: readonly Effect[];
  /** Milliseconds of {@link now}; may be `Infinity`. */
  readonly wakeAt: number;
};

export type Machine<State, Event, Effect> = {
  readonly first: MachineStep<State, Effect>;
  readonly tick: Event;
  step(state: State, event: Event, now: number): MachineStep<State, Effect>;
  /** Starts what an effect asks for; what comes of it is posted as an event. Must not throw. */
  perform(effect: Effect): void;
  /** Called when it is time for a tick: what has happened already, but was not told yet, can be posted before. */
  beforeTick?(): void;
  /** Called after each step, its effects done. `event`: what it was taken for; absent: the first step. */
  changed(state: State, event?: Event): void;
};

/** The clock of all state machines: milliseconds since 1970 that never run backwards, whatever happens to the host's. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Timers longer than this overflow (2^31 - 1 ms). */
export const longestTimerMs = 2_000_000_000;

export class EventLoop<State, Event, Effect> {
  #state: State;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #queue: Event[] = [];
  #stepping = false;
  #closed = false;

  constructor(readonly machine: Machine<State, Event, Effect>) {
    this.#state = machine.first.state;
  }

  get state(): State {
    return this.#state;
  }

  /** Does the first step's effects. */
  start(): void {
    this.#take(this.machine.first);
    this.#drain();
  }

  /** An event while a step's effects are being done is kept until they are. */
  post(event: Event): void {
    if (this.#closed) return;
    this.#queue.push(event);
    if (!this.#stepping) this.#drain();
  }

  /** No event is taken from now on. */
  close(): void {
    this.#closed = true;
    this.#queue = [];
    clearTimeout(this.#timer);
  }

  #tick(): void {
    this.machine.beforeTick?.();
    this.post(this.machine.tick);
  }

  #drain(): void {
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      this.#take(this.machine.step(this.#state, event, now()), event);
    }
  }

  #take({ state, effects, wakeAt }: MachineStep<State, Effect>, event?: Event): void {
    this.#stepping = true;
    this.#state = state;
    clearTimeout(this.#timer);
    if (wakeAt !== Infinity && !this.#closed) {
      const wait = Math.min(longestTimerMs, Math.max(0, Math.ceil(wakeAt - now())));
      this.#timer = setTimeout(() => this.#tick(), wait);
    }
    for (const effect of effects) this.machine.perform(effect);
    this.machine.changed(state, event);
    this.#stepping = false;
  }
}
