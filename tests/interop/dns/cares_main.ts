/** Prints the addresses of a name as c-ares finds them by the Pod's resolv.conf. `cares_main.ts NAME` */
const AF_INET = 2;
const mostSockets = 16;

const { symbols: cares } = Deno.dlopen("libcares.so.2", {
  ares_library_init: { parameters: ["i32"], result: "i32" },
  ares_init: { parameters: ["buffer"], result: "i32" },
  ares_gethostbyname: { parameters: ["pointer", "buffer", "i32", "function", "pointer"], result: "void" },
  ares_getsock: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  ares_process_fd: { parameters: ["pointer", "i32", "i32"], result: "void" },
  ares_strerror: { parameters: ["i32"], result: "pointer" },
});

let isOver = false;
const callback = new Deno.UnsafeCallback(
  { parameters: ["pointer", "i32", "i32", "pointer"], result: "void" },
  (_arg, status, _timeouts, host) => {
    isOver = true;
    if (host === null) console.log(Deno.UnsafePointerView.getCString(cares.ares_strerror(status)!));
    else addresses(host).forEach((address) => console.log(address));
  },
);

/** `h_addr_list` of `struct hostent`: pointers to addresses, the last one null. */
function addresses(host: Deno.PointerObject): string[] {
  const list = new Deno.UnsafePointerView(host).getPointer(24);
  const found: string[] = [];
  for (let at = 0; list !== null; at += 8) {
    const address = new Deno.UnsafePointerView(list).getPointer(at);
    if (address === null) break;
    found.push(new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(address, 4)).join("."));
  }
  return found;
}

cares.ares_library_init(1);
const channelPointer = new BigUint64Array(1);
if (cares.ares_init(new Uint8Array(channelPointer.buffer)) !== 0) throw new Error("ares_init failed");
const channel = Deno.UnsafePointer.create(channelPointer[0]!);
cares.ares_gethostbyname(
  channel,
  new TextEncoder().encode(`${Deno.args[0]}\0`),
  AF_INET,
  callback.pointer,
  null,
);
const sockets = new Int32Array(mostSockets);
for (let round = 0; round < 2000 && !isOver; round++) {
  cares.ares_getsock(channel, new Uint8Array(sockets.buffer), mostSockets);
  const socket = sockets[0]!;
  cares.ares_process_fd(channel, socket, socket);
  await new Promise((resolve) => setTimeout(resolve, 5));
}
callback.close();
