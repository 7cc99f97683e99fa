/** Numbers of epoll(7). */

export const EPOLL_CLOEXEC = 0x80000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 0x1;
export const EPOLLONESHOT = 1 << 30;

/** `epoll_event` is packed on x86-64 alone. */
const dataOffset = Deno.build.arch === "x86_64" ? 4 : 8;
/** Its size, and where its data is. Bytes. */
export const epollEvent = { size: dataOffset + 8, data: dataOffset } as const;
