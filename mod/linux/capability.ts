/** Which of the capabilities that `pgw` uses this process lacks (capabilities(7)). */

import { libc } from "./libc.ts";

/** Bit numbers. */
const capabilities = [["NET_ADMIN", 12], ["NET_RAW", 13]] as const;
/** linux/capability.h: two sets of 32 bits. */
const _LINUX_CAPABILITY_VERSION_3 = 0x20080522;

/** The first of NET_ADMIN and NET_RAW that this process does not have; absent: it has both. */
export function missingCapability(): "NET_ADMIN" | "NET_RAW" | undefined {
  // Not from /proc/self/status: Deno lets a program read that with all permissions only.
  const header = Uint32Array.of(_LINUX_CAPABILITY_VERSION_3, 0);
  const [effective = 0] = read(header);
  return missingIn(effective);
}

/** As {@link missingCapability}, from the first 32 bits of the effective set. */
export function missingIn(effective: number): "NET_ADMIN" | "NET_RAW" | undefined {
  return capabilities.find(([, bit]) => (effective >>> bit & 1) === 0)?.[0];
}

/** `effective`, `permitted` and `inheritable` of the first 32 capabilities, then of the others. */
function read(header: Uint32Array<ArrayBuffer>): Uint32Array {
  const sets = new Uint32Array(6);
  libc.capget(header, sets);
  return sets;
}
