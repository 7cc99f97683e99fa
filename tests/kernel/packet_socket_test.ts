import assert from "node:assert/strict";
import { parseMac } from "../../mod/addr/mac.ts";
import { PacketSocket } from "../../mod/linux/packet_socket.ts";
import { SocketError } from "../../mod/linux/socket_error.ts";
import { UdpSocket } from "../../mod/linux/udp_socket.ts";
import { cable, ip, kernelTest } from "./namespace.ts";

/** IPv4 and UDP headers for "OFFER", 172.29.0.1:67 to 255.255.255.255:68, without a UDP checksum. */
const offer = Uint8Array.from([
  ...[0x45, 0, 0, 33, 0, 0, 0, 0, 64, 17, 0xce, 0xae, 172, 29, 0, 1, 255, 255, 255, 255],
  ...[0, 67, 0, 68, 0, 13, 0, 0],
  ...new TextEncoder().encode("OFFER"),
]);

kernelTest(
  "a broadcast datagram in a frame for one MAC reaches a socket bound to a device without an address",
  async () => {
    await cable("right", "left", " address 02:00:00:00:00:02");
    // As a client does it: the source must be reachable by the device, or reverse path filtering drops it.
    await ip("route add 172.29.0.1/32 dev right");
    using client = UdpSocket.open({ device: "right", port: 68, broadcast: true });
    using sender = PacketSocket.open("left", { batch: 2 });
    sender.add(parseMac("02:00:00:00:00:99"), offer);
    sender.add(parseMac("02:00:00:00:00:02"), offer);
    sender.flush();
    const received = await client.receive();
    assert.equal(new TextDecoder().decode(received?.bytes), "OFFER");
    assert.deepEqual([received?.address, received?.port], [0xac1d0001, 67]);
    sender.close();
    sender.close();
  },
);

kernelTest("a device that is not there, down or gone is told", async () => {
  const code = (expected: string) => (error: unknown) => error instanceof SocketError && error.code === expected;
  assert.throws(() => PacketSocket.open("nowhere"), code("ENODEV"));
  await ip("link add left type veth peer name right");
  using socket = PacketSocket.open("left");
  const send = () => {
    socket.add(parseMac("02:00:00:00:00:02"), offer);
    socket.flush();
  };
  assert.throws(send, code("ENETDOWN"));
  await ip("link delete left");
  assert.throws(send, code("ENXIO"));
});
