import { lookupQuestion } from "../dns/lookup.ts";
import { formatType, parseType, showMessage } from "../dns/presentation.ts";
import { exitCodes, PgwError } from "../errors.ts";
import { AnswerError, getJson, type JsonObject } from "./get_json.ts";
import type { Io } from "./io.ts";
import { renderObject } from "./render.ts";

/** What was given is not a name, or not a type, that can be asked for. */
class QuestionError extends PgwError {
  override readonly exitCode = exitCodes.usage;
}

/**
 * `pgw dns query NAME`: on a gateway its forwarder is asked, and tells what it did; on a client whoever applications ask.
 *
 * @returns 0 when there was an answer, also that the name does not exist; else 1
 * @throws {NotRunningError | AnswerError | NameserverError} when nobody could be asked
 */
export async function dnsQuery(
  { name, type: typeText, json }: { readonly name: string; readonly type: string; readonly json: boolean },
  port: number,
  io: Io,
): Promise<number> {
  const type = parseType(typeText);
  if (type === undefined) throw new QuestionError(`'${typeText}' is not a record type: write A, MX, TXT or TYPE257`);
  const question = lookupQuestion(name, crypto.getRandomValues(new Uint16Array(1))[0]!, type, true);
  if (question === undefined) {
    throw new QuestionError(`'${name}' is not a name: write labels of up to 63 ASCII characters joined by dots`);
  }
  const path = `/v1/dns/${encodeURIComponent(name)}/${formatType(type)}`;
  const { role } = (await getJson(port, "/v1/status", io)).value;
  const shown = role === "gateway" ? (await getJson(port, path, io)).value : await askAsApplication(question, io);
  io.print(json ? JSON.stringify(shown) : renderObject(shown, io.now()));
  return shown.status === "NOERROR" || shown.status === "NXDOMAIN" ? exitCodes.ok : exitCodes.failure;
}

async function askAsApplication(question: Uint8Array<ArrayBuffer>, io: Io): Promise<JsonObject> {
  const { nameserver, message, tookMs } = await io.askNameserver(question);
  const shown = showMessage(message);
  if (shown === undefined) throw new AnswerError(`${nameserver} gave an answer that is not well-formed`);
  return { nameserver, tookMs, ...shown };
}
