/** Calls `stop` at the first SIGTERM or SIGINT. The function returned takes that back. */
export function onStopSignal(stop: () => void): () => void {
  const signals = ["SIGTERM", "SIGINT"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  return () => {
    for (const signal of signals) Deno.removeSignalListener(signal, stop);
  };
}
