/** Small files of text. */

import { writeAllSync } from "./write_all.ts";

/** The text of a file; empty when there is none. */
export function readTextIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/**
 * Gives a file that is there another text, in place: a bind mount cannot be replaced. It is written over by one system
 * call, so that no reader, and no restart after this process was killed, finds it empty or cut short.
 */
export function overwriteText(path: string, text: string): void {
  using file = Deno.openSync(path, { write: true });
  const { size } = file.statSync();
  const bytes = new TextEncoder().encode(text);
  const covering = new Uint8Array(Math.max(size, bytes.length)).fill("\n".charCodeAt(0));
  covering.set(bytes);
  writeAllSync(file, covering);
  file.truncateSync(bytes.length);
}
