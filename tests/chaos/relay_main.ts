/**
 * A relay for IP packets, on a tun device that it makes: what the kernel routes into it comes out again, or not, or later.
 *
 * `relay_main.ts DEVICE LOSS LATE SEED`: of all packets the part LOSS (0 to 1) is dropped, the part LATE is held back for 5
 * to 50 ms while others pass it by. It tells `{"passed":20}` when it has let so many through.
 */
import { checked, cString, errno } from "../lab/libc.ts";
import { seeded } from "../scenario/dhcp_dialogue.ts";

const [device = "", loss, late, seed] = Deno.args;
const random = seeded(Number(seed));

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "i32", nonblocking: true },
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
});

/** linux/if_tun.h and fcntl.h */
const TUNSETIFF = 0x400454can;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const O_RDWR = 2;
const EIO = 5;
const EINVAL = 22;

const tun = checked("open /dev/net/tun", libc.open(cString("/dev/net/tun"), O_RDWR));
const request = new Uint8Array(40);
request.set(cString(device));
new DataView(request.buffer).setUint16(16, IFF_TUN | IFF_NO_PI, true);
checked("TUNSETIFF", libc.ioctl(tun, TUNSETIFF, request));
console.log("ready");

let passed = 0;

const packet = new Uint8Array(65_536);
for (;;) {
  const length = await libc.read(tun, packet, BigInt(packet.length));
  if (length < 0) throw new Error(`reading from ${device} failed, errno ${errno()}`);
  const copy = packet.slice(0, length);
  const chance = random();
  if (chance < Number(loss)) continue;
  if (chance < Number(loss) + Number(late)) setTimeout(() => pass(copy), 5 + 45 * random());
  else pass(copy);
}

function pass(bytes: Uint8Array<ArrayBuffer>): void {
  if (++passed === 20) console.log(JSON.stringify({ passed }));
  const isPassed = libc.write(tun, bytes, BigInt(bytes.length)) >= 0;
  // The device is down, or what came is no IP packet: lost on the way.
  if (!isPassed && ![EIO, EINVAL].includes(errno())) throw new Error(`writing to ${device} failed, errno ${errno()}`);
}
