/** Watches /etc/resolv.conf, which VPN clients rewrite in many ways. */

import { dirname } from "node:path";
import { parseResolvConf } from "../dns/resolv_conf.ts";

export type WatchOptions = {
  /** Milliseconds. How often the file is looked at without any event. */
  readonly pollMs?: number;
  /** A text counts when it is still the same after this long: a file may be written in pieces. */
  readonly settleMs?: number;
  /** The same for a text without a nameserver, or no file at all. */
  readonly emptyMs?: number;
};

/**
 * Calls `onChange` with each new text of the file at `path`: not with that at the start, which the caller has read.
 *
 * The file may be a bind mount (its folder then has no events of it), be replaced (its own watch then ends), be empty
 * for a moment, or be written in pieces. So both file and folder are watched, it is also polled, and a text counts only
 * when it has settled.
 *
 * @param atStart the text that the caller has read
 */
export function watchResolvConf(
  path: string,
  atStart: string,
  onChange: (text: string) => void,
  { pollMs = 2000, settleMs = 50, emptyMs = 2000 }: WatchOptions = {},
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
    const neededMs = parseResolvConf(text).nameservers.length === 0 ? emptyMs : settleMs;
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

/** No file reads like an empty one. */
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
  for await (const event of watcher) {
    if (event.kind !== "access" && event.paths.includes(path)) onEvent();
  }
}
