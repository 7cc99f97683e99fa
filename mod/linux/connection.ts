/** What becomes of a TCP connection that somebody else's kernel may take or refuse. */

import { delay } from "./delay.ts";
import { AF_INET, EINPROGRESS, EINTR, errno, libc, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from "./libc.ts";
import { encodeSocketAddress, type SocketAddress } from "./socket_address.ts";
import { check } from "./socket_error.ts";
import { bindToDevice } from "./udp_socket.ts";

const EISCONN = 106;
const ECONNREFUSED = 111;
const EALREADY = 114;
/** The reactor tells of what can be read; that a connection is made is seen by asking for it again, so often. */
const pollMs = 20;

/**
 * Asks for a connection, by `device` if that is given, and gives it up. `refused`: the host is there, and no program of it
 * listens; `silent`: nothing of the kind was heard within `timeoutMs`, or until `signal` was aborted.
 *
 * @throws {SocketError} it could not be asked for
 */
export async function tryConnection(
  to: SocketAddress,
  device: string | undefined,
  timeoutMs: number,
  signal = new AbortController().signal,
): Promise<"accepted" | "refused" | "silent"> {
  const fd = check("socket(AF_INET)", libc.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const name = encodeSocketAddress(to);
  const deadline = performance.now() + timeoutMs;
  try {
    if (device !== undefined) bindToDevice(fd, device);
    for (;;) {
      if (libc.connect(fd, name, name.length) === 0) return "accepted";
      const number = errno();
      if (number === EISCONN) return "accepted";
      if (number === ECONNREFUSED) return "refused";
      const goesOn = [EINPROGRESS, EALREADY, EINTR].includes(number) && performance.now() < deadline && !signal.aborted;
      if (!goesOn) return "silent";
      await delay(pollMs, signal);
    }
  } finally {
    libc.close(fd);
  }
}
