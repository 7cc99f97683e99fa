/** Whether others are behind the Pod: nested containers, as a rule. Pure. */

import type { ObservedLink } from "./diff.ts";

/** Whether more interfaces are up than one of the Pod's own, the loopback and `device`. */
export function isNest(links: readonly ObservedLink[], device: string): boolean {
  return links.filter(({ name, up }) => up && name !== "lo" && name !== device).length > 1;
}
