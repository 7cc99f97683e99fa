import type { Datagram, UdpSocket } from "../../linux/udp_socket.ts";
import type { SocketAddress } from "../../linux/socket_address.ts";
import { WireError } from "../../wire/bytes.ts";

const attempts = 3;
const attemptMs = 700;

/**
 * Sends a question up to three times, and gives what `read` makes of the first datagram that it takes; `undefined` when
 * there is none within 2.1 s. What `read` throws a {@link WireError} at counts as somebody else's.
 */
export async function exchange<T>(
  socket: UdpSocket,
  question: Uint8Array<ArrayBuffer>,
  to: SocketAddress,
  read: (datagram: Datagram) => T | undefined,
): Promise<T | undefined> {
  const answer = firstAnswer(socket, read);
  for (let attempt = 0; attempt < attempts; attempt++) {
    socket.send(question, to);
    const value = await Promise.race([answer, afterMs(attemptMs)]);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Ends with the socket. */
async function firstAnswer<T>(
  socket: UdpSocket,
  read: (datagram: Datagram) => T | undefined,
): Promise<T | undefined> {
  for (let datagram = await socket.receive(); datagram !== undefined; datagram = await socket.receive()) {
    try {
      const value = read(datagram);
      if (value !== undefined) return value;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }
  return undefined;
}

function afterMs(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}
