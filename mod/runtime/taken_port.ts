import { ConflictError } from "../errors.ts";
import { SocketError } from "../linux/socket_error.ts";

/**
 * What `open` gives, which takes a port.
 *
 * @param what the port, in words
 * @param remedy what to do when another program has it
 * @throws {ConflictError} another program has it
 */
export async function opened<T>(what: string, remedy: string, open: () => T | Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    const isTaken = cause instanceof Deno.errors.AddrInUse ||
      (cause instanceof SocketError && cause.code === "EADDRINUSE");
    if (!isTaken) throw cause;
    throw new ConflictError(`${what} is taken by another program of this Pod: ${remedy}`, { cause });
  }
}
