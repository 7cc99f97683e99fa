/** `advertise_main.ts DEVICE`: a router's advertisement (RFC 4861 section 4.2) to all nodes of a link, three times. */
import { AF_INET6, checked, cString, int32, libc, SOCK_FLAGS, SOCK_RAW, SOL_SOCKET } from "./libc.ts";

const IPPROTO_ICMPV6 = 58;
const IPPROTO_IPV6 = 41;
const IPV6_MULTICAST_HOPS = 18;
const SO_BINDTODEVICE = 25;
const [device = ""] = Deno.args;

const socket = checked("socket", libc.socket(AF_INET6, SOCK_RAW | SOCK_FLAGS, IPPROTO_ICMPV6));
const name = cString(device);
checked("SO_BINDTODEVICE", libc.setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, name, name.length));
// Whoever gets it checks that no router has passed it on.
checked("hops", libc.setsockopt(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, int32(255), 4));

const seconds = [0, 0, 7, 8];
const prefix = (...groups: number[]) => groups.flatMap((group) => [group >> 8, group & 0xff]);
const advertisement = Uint8Array.of(
  ...[134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0],
  // Prefix information: 2001:db8:99::/64, on-link and for addresses.
  ...[3, 4, 64, 0xc0, ...seconds, ...seconds, 0, 0, 0, 0, ...prefix(0x2001, 0xdb8, 0x99, 0, 0, 0, 0, 0)],
  // Route information (RFC 4191 section 2.3): 2001:db8::/32.
  ...[24, 2, 32, 0x08, ...seconds, ...prefix(0x2001, 0xdb8, 0, 0)],
);
const address = new Uint8Array(28);
new DataView(address.buffer).setUint16(0, AF_INET6, true);
address.set([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 8);

for (let count = 0; count < 3; count++) {
  checked("sendto", libc.sendto(socket, advertisement, BigInt(advertisement.length), 0, address, address.length));
  await new Promise((resolve) => setTimeout(resolve, 50));
}
