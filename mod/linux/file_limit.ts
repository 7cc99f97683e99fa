/** How many files, sockets among them, this process may have open. */

import { libc } from "./libc.ts";

/** sys/resource.h, the same on both architectures. */
const RLIMIT_NOFILE = 7;
/** `rlimit64`: the soft and the hard limit. */
const limits = new BigUint64Array(2);

/**
 * Raises it to what the host allows: container runtimes start programs with 1,024, which a flood of questions would use
 * up. A host that refuses leaves it as it is.
 */
export function raiseFileLimit(): void {
  const bytes = new Uint8Array(limits.buffer);
  if (libc.prlimit64(0, RLIMIT_NOFILE, null, bytes) !== 0 || limits[0]! >= limits[1]!) return;
  limits[0] = limits[1]!;
  libc.prlimit64(0, RLIMIT_NOFILE, bytes, null);
}
