/** Locks of files (flock(2)) that are tried, not waited for. Deno has them from 2.5 on; programs are compiled with 2.4. */

import { cString, EAGAIN, errno, libc, O_CLOEXEC, O_RDWR } from "./libc.ts";
import { check, SocketError } from "./socket_error.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;

/** Nobody else has it as long as this process has, which gives it up however it ends. */
export class FileLock implements Disposable {
  #isTaken = true;

  private constructor(readonly fd: number) {}

  /** Takes the lock of a file that is there; `undefined`: somebody else has it. @throws {SocketError} */
  static take(path: string): FileLock | undefined {
    const fd = check(`opening ${path}`, libc.open(cString(path), O_RDWR | O_CLOEXEC));
    if (libc.flock(fd, LOCK_EX | LOCK_NB) === 0) return new FileLock(fd);
    const reason = errno();
    libc.close(fd);
    if (reason === EAGAIN) return undefined;
    throw new SocketError(`locking ${path}`, reason);
  }

  [Symbol.dispose](): void {
    if (this.#isTaken) libc.close(this.fd);
    this.#isTaken = false;
  }
}
