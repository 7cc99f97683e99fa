/** What a role does at a signal. */
export type SignalHandlers = {
  /** SIGTERM, SIGINT. */
  readonly stop: () => void;
  /** SIGHUP. */
  readonly look: () => void;
};

/** Listens until it is disposed of. */
export function onSignals({ stop, look }: SignalHandlers): Disposable {
  const listeners = [["SIGTERM", stop], ["SIGINT", stop], ["SIGHUP", look]] as const;
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  return {
    [Symbol.dispose]() {
      for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
    },
  };
}
