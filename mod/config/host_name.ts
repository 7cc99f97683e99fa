/** Names of hosts and domains in DNS (RFC 1123 section 2.1). */

import { ValueError } from "./value_error.ts";

/** Letters, digits and hyphens; underscores too, since container runtimes make names of hosts with them. */
const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * Parses a host or domain name: lower case, a final dot (which keeps a resolver from its search list) stays.
 *
 * @throws {ValueError} when a label is empty, too long or has other characters, or the last one is a number, which is how
 * a mistyped address looks
 */
export function parseHostName(text: string): string {
  const name = text.toLowerCase();
  const labels = (name.endsWith(".") ? name.slice(0, -1) : name).split(".");
  if (name.length > 253 || !labels.every((part) => label.test(part))) {
    throw new ValueError(
      `'${text}' is not a host name: write labels of letters, digits and hyphens joined by dots, such as gateway.vpn.svc`,
    );
  }
  if (/^[0-9]+$/.test(labels.at(-1)!)) {
    throw new ValueError(`'${text}' is not a host name, which does not end in a number, and not an address either`);
  }
  return name;
}
