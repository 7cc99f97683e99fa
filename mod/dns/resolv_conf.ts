/** `/etc/resolv.conf` (resolv.conf(5)): reading it, and pointing it at the gateway in a way that can be undone. */

import { isIpv4 } from "../addr/ipv4.ts";
import { isIpv6 } from "../addr/ipv6.ts";

export type ResolvConf = {
  /** Addresses in text, in the order in which a resolver tries them. Without a zone (`%eth0`): such lines are skipped. */
  readonly nameservers: readonly string[];
  /** The search list without trailing dots: that of the last `search` or `domain` line. */
  readonly search: readonly string[];
  /** The words of all `options` lines. */
  readonly options: readonly string[];
};

/** Tells that a text comes from {@link clientResolvConf}. */
const header =
  "# pgw: names are asked through the gateway. The lines below marked pgw-cluster-nameserver are the Pod's own.";
/** A nameserver line of the Pod's own, kept as a comment so that a restarted client still knows it. */
const keptPrefix = "# pgw-cluster-";

/** What a stub resolver takes from `text`. Lines that it would skip are skipped. */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  const options: string[] = [];
  let search: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...values] = words(line);
    if (keyword === "nameserver") {
      if (isAddress(values[0]) && !nameservers.includes(values[0])) nameservers.push(values[0]);
    } else if (keyword === "search") {
      search = values;
    } else if (keyword === "domain") {
      search = values.slice(0, 1);
    } else if (keyword === "options") {
      options.push(...values);
    }
  }
  return { nameservers, search: search.map(withoutDot).filter((domain) => domain !== ""), options };
}

/**
 * The text that sends a client Pod's questions to `gateway`, an address: every nameserver line becomes a comment, the
 * gateway's comes first, all else stays. Applied to its own result it changes the gateway's address alone.
 */
export function clientResolvConf(text: string, gateway: string): string {
  const kept = lines(originalResolvConf(text)).map((line) => isNameserver(line) ? keptPrefix + line.trimStart() : line);
  return [header, `nameserver ${gateway}`, ...kept, ""].join("\n");
}

/** Undoes {@link clientResolvConf}; any other text comes back as it is. */
export function originalResolvConf(text: string): string {
  const [first, ...rest] = lines(text);
  if (first !== header) return text;
  return rest
    .filter((line) => !isNameserver(line))
    .map((line) => line.startsWith(keptPrefix) ? line.slice(keptPrefix.length) : line)
    .map((line) => `${line}\n`).join("");
}

/** The Pod's own settings, whether or not its file was pointed at a gateway. */
export function podResolvConf(text: string): ResolvConf {
  return parseResolvConf(originalResolvConf(text));
}

function isNameserver(line: string): boolean {
  return words(line)[0] === "nameserver";
}

function isAddress(text: string | undefined): text is string {
  return text !== undefined && (isIpv4(text) || isIpv6(text));
}

function words(line: string): string[] {
  return line.replace(/[#;].*$/, "").split(/[ \t\r]+/).filter((word) => word !== "");
}

function withoutDot(domain: string): string {
  return domain.replace(/\.$/, "");
}

function lines(text: string): string[] {
  const split = text.split("\n");
  if (split.at(-1) === "") split.pop();
  return split;
}
