/** Classic filters of sockets: programs that the kernel runs for each packet (bpf(4); linux/filter.h). */

import { addressOf, libc, pinned, SOL_SOCKET } from "./libc.ts";
import { check } from "./socket_error.ts";

/** asm-generic/socket.h */
const SO_ATTACH_FILTER = 26;

/** One instruction: `sock_filter`. */
export type FilterInstruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/** From now on `filter` decides what of each packet the socket gets. */
export function attachFilter(fd: number, filter: readonly FilterInstruction[]): void {
  const program = pinned(8 * filter.length);
  const view = new DataView(program.buffer);
  for (const [index, [code, ifTrue, ifFalse, value]] of filter.entries()) {
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, ifTrue);
    view.setUint8(8 * index + 3, ifFalse);
    view.setUint32(8 * index + 4, value, true);
  }
  const described = new Uint8Array(16);
  const description = new DataView(described.buffer);
  description.setUint16(0, filter.length, true);
  description.setBigUint64(8, addressOf(program), true);
  check("setsockopt(SO_ATTACH_FILTER)", libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, described, described.length));
}
