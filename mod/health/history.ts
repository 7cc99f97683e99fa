/** What became of a role since its process began: the last transitions for people, and counts of all for machines. */

export type Transition = {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly to: string;
  /** A sentence, as it was logged. */
  readonly cause?: string;
};

export type TransitionCount = { readonly state: string; readonly cause: string; readonly count: number };

/** Why a state was entered: a word of a fixed set (`word`), and in particular. */
export type Why = { readonly word?: string; readonly sentence?: string };

const transitionsKept = 20;

export class History {
  readonly #transitions: Transition[] = [];
  readonly #counts = new Map<string, { state: string; cause: string; count: number }>();
  #phase: string | undefined;

  /** @param phases all there are, in the order in which a role goes through them when all is well */
  constructor(readonly phases: readonly string[]) {}

  /** The latest, the oldest first. */
  get transitions(): readonly Transition[] {
    return this.#transitions;
  }

  /** How often each phase was entered, for each cause. */
  get counts(): readonly TransitionCount[] {
    return [...this.#counts.values()];
  }

  /** When the present state was entered. */
  get since(): number | undefined {
    return this.#transitions.at(-1)?.at;
  }

  /** `state` in particular, which is of `phase`, is entered. */
  enter(state: string, phase: string, at: number, { word, sentence }: Why = {}): void {
    this.#transitions.push({ at, to: state, ...(sentence === undefined ? {} : { cause: sentence }) });
    if (this.#transitions.length > transitionsKept) this.#transitions.shift();
    if (phase === this.#phase) return;
    const cause = word ?? this.#direction(phase);
    this.#phase = phase;
    const count = this.#counts.get(`${phase} ${cause}`) ?? { state: phase, cause, count: 0 };
    count.count++;
    this.#counts.set(`${phase} ${cause}`, count);
  }

  #direction(phase: string): string {
    if (this.#phase === undefined) return "start";
    return this.phases.indexOf(phase) > this.phases.indexOf(this.#phase) ? "progress" : "retry";
  }
}
