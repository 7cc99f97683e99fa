/** DNS messages on a stream: each behind its length in two octets (RFC 1035 section 4.2.2). */

/**
 * Calls `take` with each message until the stream ends or breaks, or `take` fails. While a promise that `take` returned
 * is open, nothing is read.
 */
export async function readFrames(
  stream: { read(buffer: Uint8Array): Promise<number | null> },
  take: (frame: Uint8Array) => Promise<void> | undefined,
): Promise<void> {
  let buffer = new Uint8Array(4096);
  let filled = 0;
  try {
    for (;;) {
      const count = await stream.read(buffer.subarray(filled));
      if (count === null) return;
      filled += count;
      let start = 0;
      while (filled - start >= 2) {
        const end = start + 2 + ((buffer[start]! << 8) | buffer[start + 1]!);
        if (end > filled) break;
        const pause = take(buffer.slice(start + 2, end));
        if (pause !== undefined) await pause;
        start = end;
      }
      buffer.copyWithin(0, start, filled);
      filled -= start;
      const wanted = filled < 2 ? 0 : 2 + ((buffer[0]! << 8) | buffer[1]!);
      if (wanted > buffer.length) {
        const larger = new Uint8Array(wanted);
        larger.set(buffer.subarray(0, filled));
        buffer = larger;
      }
    }
  } catch {
    // A peer that resets its connection, or one that we closed: its end either way.
  }
}

export async function writeFrame(
  stream: { write(bytes: Uint8Array): Promise<number> },
  message: Uint8Array,
): Promise<void> {
  const frame = new Uint8Array(2 + message.length);
  frame[0] = message.length >> 8;
  frame[1] = message.length;
  frame.set(message, 2);
  for (let written = 0; written < frame.length;) written += await stream.write(frame.subarray(written));
}
