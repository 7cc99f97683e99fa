import { PgwError } from "../errors.ts";
import type { Io } from "./io.ts";

/** The running `pgw` answered with something that this command cannot show: another version, or another role. */
export class AnswerError extends PgwError {}

/** An object of a JSON answer. */
export type JsonObject = { readonly [name: string]: unknown };

/**
 * Asks the running `pgw` for a JSON object.
 *
 * @throws {NotRunningError} when nobody answers
 * @throws {AnswerError} when the answer is not a JSON object
 */
export async function getJson(port: number, path: string, io: Io): Promise<{ text: string; value: JsonObject }> {
  const { status, body } = await io.get(port, path);
  const where = `http://127.0.0.1:${port}${path}`;
  if (status === 404) throw new AnswerError(`${where} is not there: the pgw in this Pod has another role or version`);
  if (status !== 200) throw new AnswerError(`${where} answered with HTTP status ${status}`);
  const value = parseObject(body);
  if (value === undefined) throw new AnswerError(`${where} did not answer with a JSON object: is it pgw?`);
  return { text: body.trimEnd(), value };
}

/** Whether `value` is what JSON calls an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
