import { exitCodes } from "../errors.ts";
import { AnswerError, getJson, isObject } from "./get_json.ts";
import type { Io } from "./io.ts";
import { renderObject, renderTable } from "./render.ts";

/**
 * `pgw leases`: who has which address.
 *
 * @throws {NotRunningError | AnswerError} when there is nothing to show
 */
export async function leases(options: { json: boolean }, port: number, io: Io): Promise<number> {
  const { text, value } = await getJson(port, "/v1/leases", io);
  if (options.json) {
    io.print(text);
    return exitCodes.ok;
  }
  const { leases: rows, ...rest } = value;
  if (!Array.isArray(rows) || !rows.every(isObject)) {
    throw new AnswerError("/v1/leases answered without a list of leases");
  }
  io.print(rows.length === 0 ? "No leases." : renderTable(rows, io.now()));
  if (Object.keys(rest).length > 0) io.print(`\n${renderObject(rest, io.now())}`);
  return exitCodes.ok;
}
