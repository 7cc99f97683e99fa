/** What a run goes through, one phase after the other. */
import type { Scene } from "./scene.ts";

/**
 * One phase: it finds the Pod as the one before left it, open through gateway 0 unless that says otherwise, and leaves it so.
 *
 * @returns what it measured, in words
 */
export type Phase = {
  readonly name: string;
  run(scene: Scene, effort: Effort): Promise<string | void>;
};

export type Effort = {
  /** How long a state that needs nothing but time is watched, in milliseconds. */
  readonly dwellMs: number;
  /** How often the client is killed at a random instant. */
  readonly kills: number;
  /** A number in [0, 1). */
  random(): number;
};
