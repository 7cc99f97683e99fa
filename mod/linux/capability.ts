/** Which of the capabilities that `pgw` uses this process lacks (capabilities(7)). */

/** Bit numbers in `CapEff`. */
const capabilities = [["NET_ADMIN", 12n], ["NET_RAW", 13n]] as const;

/** The first of NET_ADMIN and NET_RAW that this process does not have; absent: it has both. */
export function missingCapability(): "NET_ADMIN" | "NET_RAW" | undefined {
  return missingIn(Deno.readTextFileSync("/proc/self/status"));
}

/** As {@link missingCapability}, from the text of `/proc/self/status`. */
export function missingIn(status: string): "NET_ADMIN" | "NET_RAW" | undefined {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return capabilities.find(([, bit]) => (effective >> bit & 1n) === 0n)?.[0];
}
