/** The little of a DNS message that attackers and their victims need. Its own, so that no fault of ours hides. */

/** A query for the A records of `name`, as it is spelled, with recursion desired. */
export function query(name: string, id: number): Uint8Array<ArrayBuffer> {
  const labels = name.split(".").flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  return Uint8Array.of(id >> 8, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1);
}

/** The uncompressed name at `at`, in lower case. */
export function nameAt(bytes: Uint8Array, at: number): string {
  const labels: string[] = [];
  for (; bytes[at]! > 0; at += bytes[at]! + 1) {
    labels.push(new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + bytes[at]!)));
  }
  return labels.join(".").toLowerCase();
}
