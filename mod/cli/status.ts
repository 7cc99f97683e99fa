import { exitCodes, PgwError } from "../errors.ts";
import { getJson } from "./get_json.ts";
import type { Io } from "./io.ts";
import { renderObject } from "./render.ts";

const watchIntervalMs = 1000;
/** Moves the cursor home and clears the screen (ECMA-48 CUP and ED). */
const clearScreen = "\x1b[H\x1b[2J";

/**
 * `pgw status`: role, state and how it came about.
 *
 * @throws {NotRunningError | AnswerError} when there is nothing to show; with `watch` that is shown, and asked again
 */
export async function status(options: { json: boolean; watch: boolean }, port: number, io: Io): Promise<number> {
  if (!options.watch) {
    io.print(await statusText(options.json, port, io));
    return exitCodes.ok;
  }
  // until a signal ends the process, or nobody reads it any more
  for (;;) {
    const text = await statusText(options.json, port, io).catch((error) => {
      if (error instanceof PgwError) return error.message;
      throw error;
    });
    if (!io.print(io.terminal && !options.json ? clearScreen + text : text)) return exitCodes.ok;
    await io.sleep(watchIntervalMs);
  }
}

async function statusText(json: boolean, port: number, io: Io): Promise<string> {
  const { text, value } = await getJson(port, "/v1/status", io);
  return json ? text : renderObject(value, io.now());
}
