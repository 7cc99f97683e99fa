/** Which of the capabilities that `pgw` uses this process lacks (capabilities(7)). */

import type { MissingCapabilityError } from "../errors.ts";
import { libc } from "./libc.ts";

export type Capability = MissingCapabilityError["capability"];

/** Bit numbers. */
const bits: Readonly<Record<Capability, number>> = { NET_BIND_SERVICE: 10, NET_ADMIN: 12, NET_RAW: 13 };
/** linux/capability.h: two sets of 32 bits. */
const _LINUX_CAPABILITY_VERSION_3 = 0x20080522;

/** The first of NET_ADMIN and NET_RAW that this process does not have; absent: it has both. */
export function missingCapability(): "NET_ADMIN" | "NET_RAW" | undefined {
  return missingIn(effective());
}

/** Whether this process has `capability`. */
export function hasCapability(capability: Capability): boolean {
  return holds(effective(), capability);
}

/** As {@link missingCapability}, from the first 32 bits of the effective set. */
export function missingIn(effective: number): "NET_ADMIN" | "NET_RAW" | undefined {
  return (["NET_ADMIN", "NET_RAW"] as const).find((capability) => !holds(effective, capability));
}

function holds(effective: number, capability: Capability): boolean {
  return (effective >>> bits[capability] & 1) !== 0;
}

/** The first 32 bits of the effective set. Not from /proc/self/status: Deno lets a program read that with all permissions only. */
function effective(): number {
  return read(Uint32Array.of(_LINUX_CAPABILITY_VERSION_3, 0))[0]!;
}

/** `effective`, `permitted` and `inheritable` of the first 32 capabilities, then of the others. */
function read(header: Uint32Array<ArrayBuffer>): Uint32Array {
  const sets = new Uint32Array(6);
  libc.capget(header, sets);
  return sets;
}
