import { cString, libc } from "./libc.ts";
import { check } from "./socket_error.ts";

/** The number of the interface `name`; `undefined`: there is none. One that was made anew has another. */
export function interfaceIndex(name: string): number | undefined {
  const index = libc.if_nametoindex(cString(name));
  return index === 0 ? undefined : index;
}

/** As {@link interfaceIndex}, of one that must be there. @throws {SocketError} it is not (`ENODEV`) */
export function existingIndex(name: string): number {
  return check(`finding ${name}`, interfaceIndex(name) ?? -1);
}
