/** The system calls that the lab's captures and probers need. Its own, so that no fault of the program under test hides. */

const library = Deno.dlopen("libc.so.6", {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  sendmmsg: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
  munmap: { parameters: ["pointer", "usize"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
});

export const libc = library.symbols;

export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_PACKET = 17;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
/** SOCK_NONBLOCK | SOCK_CLOEXEC */
export const SOCK_FLAGS = 0o4000 | 0o2000000;
export const SOL_SOCKET = 1;
export const EINPROGRESS = 115;

export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

export function errno(): number {
  const location = library.symbols.__errno_location();
  return location === null ? 0 : new Deno.UnsafePointerView(location).getInt32();
}

/** Passes a system call's result on; throws when it is an error. */
export function checked<N extends number | bigint>(what: string, result: N): N {
  if (result < 0) throw new Error(`${what} failed, errno ${errno()}`);
  return result;
}

export function int32(value: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Int32Array([value]).buffer);
}

/** Runs `body` with this thread in another network namespace. `body` must not wait: sockets it makes stay there. */
export function inNetworkNamespace<T>(path: string, body: () => T): T {
  const O_RDONLY = 0;
  const CLONE_NEWNET = 0x40000000;
  const home = checked("open", libc.open(cString("/proc/thread-self/ns/net"), O_RDONLY));
  const there = checked(`open ${path}`, libc.open(cString(path), O_RDONLY));
  try {
    checked("setns", libc.setns(there, CLONE_NEWNET));
    try {
      return body();
    } finally {
      checked("setns back", libc.setns(home, CLONE_NEWNET));
    }
  } finally {
    libc.close(there);
    libc.close(home);
  }
}
