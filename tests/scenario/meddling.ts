/** What somebody with all rights does by hand to the kernel of a Pod. */

import type { FakeKernel } from "./fake_kernel.ts";

export type Meddling = {
  readonly name: string;
  /**
   * Which layer it takes away: with the firewall gone and another way out in the routes nothing could hold, so that no
   * two of different layers are there at one time.
   */
  readonly layer?: "firewall" | "routes";
  act(kernel: FakeKernel): void;
};

export const meddlings: readonly Meddling[] = [
  { name: "deleted", act: (kernel) => kernel.deleteTunnel() },
  { name: "flushed", layer: "firewall", act: (kernel) => kernel.flush() },
  { name: "routed", layer: "routes", act: (kernel) => kernel.addRoutes("0.0.0.0/0", "::/0") },
  {
    name: "routed by halves",
    layer: "routes",
    act: (kernel) => kernel.addRoutes("0.0.0.0/1", "128.0.0.0/1", "2000::/4", "3000::/4"),
  },
  { name: "given another router", layer: "routes", act: (kernel) => kernel.addRouter("10.42.0.254") },
  { name: "ruled", layer: "routes", act: (kernel) => kernel.addRule() },
  { name: "tidied", act: (kernel) => kernel.removeForeign() },
  { name: "moved to another address", act: (kernel) => kernel.changeAddress() },
];
