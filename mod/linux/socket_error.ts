import { MissingCapabilityError, PgwError } from "../errors.ts";
import { errno } from "./libc.ts";

/** errno(3), those that sockets give. */
const codes: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  3: "ESRCH",
  4: "EINTR",
  11: "EAGAIN",
  13: "EACCES",
  6: "ENXIO",
  16: "EBUSY",
  17: "EEXIST",
  19: "ENODEV",
  22: "EINVAL",
  90: "EMSGSIZE",
  93: "EPROTONOSUPPORT",
  95: "EOPNOTSUPP",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
  100: "ENETDOWN",
  101: "ENETUNREACH",
  105: "ENOBUFS",
  111: "ECONNREFUSED",
  113: "EHOSTUNREACH",
  115: "EINPROGRESS",
};

/** `EADDRINUSE` for 98. */
export function errorCode(number: number): string {
  return codes[number] ?? `errno ${number}`;
}

/** The kernel refused an operation on a socket. */
export class SocketError extends PgwError {
  /** As in errno(3): `EADDRINUSE`. */
  readonly code: string;

  constructor(readonly operation: string, number: number) {
    const code = errorCode(number);
    super(`${operation} failed: ${code}`);
    this.code = code;
  }
}

/** What `result` is if it is no error. */
export function check(operation: string, result: number): number {
  if (result < 0) throw new SocketError(operation, errno());
  return result;
}

/** As {@link check}, for an operation that needs `capability`. */
export function checkPrivileged(
  operation: string,
  capability: MissingCapabilityError["capability"],
  result: number,
): number {
  if (result >= 0) return result;
  const error = new SocketError(operation, errno());
  throw error.code === "EPERM" || error.code === "EACCES" ? new MissingCapabilityError(capability, error) : error;
}
