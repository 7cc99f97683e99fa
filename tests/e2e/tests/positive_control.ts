import type { Test } from "../world.ts";

export const positiveControl: Test = {
  name: "positive control: what an unprotected Pod sends is seen outside (repeated before each leak check)",
  run: (world) => world.positiveControl(),
};
