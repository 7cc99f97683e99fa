import assert from "node:assert/strict";
import { forgetConnections } from "../../mod/linux/conntrack.ts";
import { UdpSocket } from "../../mod/linux/udp_socket.ts";
import { parseIpv4 } from "../../mod/addr/ipv4.ts";
import { cable, ip, kernelTest, sh } from "./namespace.ts";

kernelTest("connections are forgotten: what comes next is new", async () => {
  await cable("eth0", "far");
  await ip("address add 10.42.0.5/24 dev eth0", "neighbor add 10.42.0.9 lladdr 02:00:00:00:00:09 dev eth0");
  await sh("iptables -t mangle -A OUTPUT -p udp -m connmark --mark 0");
  await sh("iptables -t mangle -A OUTPUT -p udp -j CONNMARK --set-mark 1");
  /** Packets of connections that had no mark yet. */
  const unmarked = async () => {
    const lines = (await sh("iptables -t mangle -nvxL OUTPUT")).split("\n");
    return Number(/^ +(\d+)/.exec(lines[2] ?? "")?.[1]);
  };
  const socket = UdpSocket.open({ device: "eth0", port: 5000 });
  const send = () => socket.send(new Uint8Array(9), { address: parseIpv4("10.42.0.9"), port: 9 });
  try {
    send();
    send();
    assert.equal(await unmarked(), 1);
    await forgetConnections();
    send();
    assert.equal(await unmarked(), 2);
  } finally {
    socket.close();
  }
});
