/** Waiting for what takes its time. */

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * Tries until `attempt` does not throw, and returns what it returned.
 *
 * @throws {Error} after `timeoutMs`: `what` did not happen, with the last reason why
 */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  attempt: () => Promise<T> | T,
  pauseMs = 250,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      if (Date.now() >= end) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`after ${timeoutMs / 1000} s not yet: ${what} (${reason})`, { cause });
      }
    }
    await sleep(pauseMs);
  }
}
