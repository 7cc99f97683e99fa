/** What `pgw dns query` asks a gateway: how a name is answered. */

import { lookupQuestion } from "../dns/lookup.ts";
import { parseType, showMessage } from "../dns/presentation.ts";
import type { DnsServer } from "./dns_server.ts";
import { type HttpReply, jsonReply } from "./http_server.ts";

/** Asks what `path`, which is `/v1/dns/NAME/TYPE`, says; undefined when that is no question. */
export async function dnsAnswer(server: DnsServer, path: string): Promise<HttpReply | undefined> {
  const [, encodedName = "", type = ""] = /^\/v1\/dns\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  const number = parseType(type);
  const name = decoded(encodedName);
  const question = number === undefined ? undefined : lookupQuestion(name, 0, number, true);
  if (question === undefined) return undefined;
  const { message, route, servers, cache, ttl, by, tookMs } = await server.query(question);
  return jsonReply({
    name,
    type,
    route,
    upstreams: servers,
    cache,
    ...(cache === "fresh" ? { cachedForSeconds: ttl } : {}),
    answeredBy: by ?? (cache === "absent" ? "pgw itself" : "the cache"),
    tookMs,
    ...showMessage(message),
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
