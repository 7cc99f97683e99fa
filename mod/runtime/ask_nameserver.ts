/** One DNS question as an application asks it: by UDP, and by TCP when the answer did not fit. */

import { PgwError } from "../errors.ts";
import { parseResolvConf } from "../dns/resolv_conf.ts";
import { formatUpstream, parseUpstream } from "../dns/upstream_address.ts";
import { flags, u16 } from "../wire/dns.ts";
import { openUpstreamSockets, type UpstreamSockets } from "./dns_upstream_sockets.ts";
import { readTextIfThere } from "./text_file.ts";

/** /etc/resolv.conf names nobody, or nobody answers. */
export class NameserverError extends PgwError {}

export type NameserverAnswer = { readonly nameserver: string; readonly message: Uint8Array; readonly tookMs: number };

const timeoutMs = 5_000;

/** Asks the first nameserver of /etc/resolv.conf. @throws {NameserverError} */
export async function askNameserver(question: Uint8Array<ArrayBuffer>): Promise<NameserverAnswer> {
  const [server] = parseResolvConf(readTextIfThere("/etc/resolv.conf")).nameservers;
  if (server === undefined) throw new NameserverError("/etc/resolv.conf names no nameserver");
  const sockets = await openUpstreamSockets();
  const startedAt = performance.now();
  try {
    const byUdp = await ask(sockets, server, "udp", question);
    const isTruncated = byUdp.length >= 4 && (u16(byUdp, 2) & flags.tc) !== 0;
    const message = isTruncated ? await ask(sockets, server, "tcp", question) : byUdp;
    return { nameserver: server, message, tookMs: performance.now() - startedAt };
  } finally {
    sockets.close();
  }
}

function ask(
  sockets: UpstreamSockets,
  server: string,
  transport: "udp" | "tcp",
  question: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const address = parseUpstream(server);
  return new Promise((resolve, reject) => {
    const fail = (what: string) => {
      asked.close();
      reject(new NameserverError(`${formatUpstream(address)} ${what}`));
    };
    const timer = setTimeout(() => fail(`does not answer within ${timeoutMs / 1000} s`), timeoutMs);
    const asked = sockets.ask(address, transport, question, {
      received: (bytes, length) => {
        if (length < 2 || u16(bytes, 0) !== u16(question, 0)) return;
        clearTimeout(timer);
        resolve(bytes.slice(0, length));
        asked.close();
      },
      failed: () => {
        clearTimeout(timer);
        fail("cannot be reached: the Pod is closed, or nobody listens there");
      },
    });
  });
}
