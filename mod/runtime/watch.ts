/** Watches a text file, which others rewrite in many ways: /etc/resolv.conf, a ConfigMap's. */

import { dirname } from "node:path";

export type WatchOptions = {
  /** Milliseconds. How often the file is looked at without any event. */
  readonly pollMs?: number;
  /** A text counts when it is still the same after this long: a file may be written in pieces. */
  readonly settleMs?: number;
  /** The same for a text that {@link isEmpty}. */
  readonly emptyMs?: number;
  /** Whether a text looks as if the rest was still to come. Default: it has no characters, or there is no file. */
  readonly isEmpty?: (text: string) => boolean;
};

/**
 * Calls `onChange` with each new text of the file at `path`, empty when there is none: not with that at the start, which
 * the caller has read.
 *
 * The file may be a bind mount (its folder then has no events of it), be replaced (its own watch then ends), be reached
 * by a link that is (Kubernetes exchanges `..data`), be empty for a moment, or be written in pieces. So both file and folder
 * are watched, it is also polled, and a text counts only when it has settled.
 *
 * @param atStart the text that the caller has read
 */
export function watchTextFile(
  path: string,
  atStart: string,
  onChange: (text: string) => void,
  { pollMs = 2000, settleMs = 50, emptyMs = 2000, isEmpty = (text) => text === "" }: WatchOptions = {},
): { close(): void } {
  let reported = atStart;
  let candidate: { readonly text: string; readonly since: number } | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let watcher: Deno.FsWatcher | undefined;
  let isClosed = false;

  const look = () => {
    const text = readText(path);
    if (text === reported) {
      candidate = undefined;
      return wait(pollMs);
    }
    const now = performance.now();
    if (candidate?.text !== text) candidate = { text, since: now };
    const neededMs = isEmpty(text) ? emptyMs : settleMs;
    const leftMs = candidate.since + neededMs - now;
    if (leftMs > 0) return wait(Math.min(leftMs, settleMs));
    reported = text;
    candidate = undefined;
    // It may be another file of the same name by now.
    watch();
    wait(pollMs);
    onChange(text);
  };
  // An event may still be on its way when all is closed.
  const wait = (ms: number) => {
    clearTimeout(timer);
    if (!isClosed) timer = setTimeout(look, ms);
  };
  const watch = () => {
    watcher?.close();
    watcher = openWatcher(path);
    if (watcher !== undefined) follow(watcher, path, () => wait(settleMs));
  };

  watch();
  wait(0);
  return {
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      watcher?.close();
    },
  };
}

/** A file that cannot be read is like one that is not there. */
function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** `undefined` where inotify has no watch left, or there is nothing to watch: the poll remains. */
function openWatcher(path: string): Deno.FsWatcher | undefined {
  for (const paths of [[path, dirname(path)], [dirname(path)]]) {
    try {
      return Deno.watchFs(paths, { recursive: false });
    } catch {
      continue;
    }
  }
  return undefined;
}

async function follow(watcher: Deno.FsWatcher, path: string, onEvent: () => void): Promise<void> {
  const data = `${dirname(path)}/..data`;
  for await (const event of watcher) {
    if (event.kind !== "access" && event.paths.some((changed) => changed === path || changed === data)) onEvent();
  }
}
