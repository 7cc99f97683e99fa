import assert from "node:assert/strict";
import { broadcast, formatIpv4, parseIpv4 } from "../../mod/addr/ipv4.ts";
import { broadcastMac, parseMac } from "../../mod/addr/mac.ts";
import { discoverMessage, renewMessage } from "../../mod/dhcp/client_messages.ts";
import { answerInPlace, encodeProbeAnswer, notice } from "../../mod/health/probe.ts";
import { libc } from "../../mod/linux/libc.ts";
import { SocketError } from "../../mod/linux/socket_error.ts";
import { UdpSocket } from "../../mod/linux/udp_socket.ts";
import { probePort } from "../../mod/netstate/names.ts";
import { ClientSockets } from "../../mod/runtime/client_sockets.ts";
import { decodeDhcp } from "../../mod/wire/dhcpv4.ts";
import { decodeEthernet, etherTypes } from "../../mod/wire/ethernet.ts";
import { decodeIpv4 } from "../../mod/wire/ipv4.ts";
import { decodeUdp } from "../../mod/wire/udp.ts";
import { decodeVxlan } from "../../mod/wire/vxlan.ts";
import { cable, kernelTest, sh } from "./namespace.ts";

const nonce = "0123456789abcdef";
const instance = "0".repeat(32);
const tunnel = {
  remote: parseIpv4("127.0.0.2"),
  id: 3150,
  port: 4789,
  mtu: 1400,
  mac: parseMac("02:78:0a:2a:00:05"),
  gateway: parseIpv4("127.0.0.1"),
};
const local = parseIpv4("127.0.0.5");
const nobody = { dhcp() {}, conflict() {}, probeAnswer() {}, undelivered() {}, reached() {} };

/** ICMP errors of all kinds, as firewalls and routers on the way give them: nothing is to be made of most. */
const reasons = ["icmp-host-prohibited", "icmp-net-unreachable", "icmp-proto-unreachable", "icmp-admin-prohibited"];

kernelTest("whatever comes back by ICMP about a probe, the sockets hear on", async () => {
  const answered = Promise.withResolvers<string>();
  const faults: string[] = [];
  const sockets = new ClientSockets("lo", local, tunnel, {
    ...nobody,
    probeAnswer: (nonce) => answered.resolve(nonce),
    undelivered: (fault) => faults.push(fault),
  });
  for (const reason of reasons) {
    for (const port of [probePort, tunnel.port]) {
      await sh(`iptables -A OUTPUT -p udp --dport ${port} -j REJECT --reject-with ${reason}`);
    }
    sockets.sendProbe(nonce, "probe");
    await new Promise((resolve) => setTimeout(resolve, 20));
    await sh("iptables -F OUTPUT");
  }
  using gateway = UdpSocket.open({ address: tunnel.gateway, port: probePort });
  sockets.sendProbe(nonce, "probe");
  const question = (await gateway.receive())!;
  const condition = { instance, healthy: true, draining: false, full: false };
  assert.ok(answerInPlace(question.bytes, encodeProbeAnswer({ nonce: notice, condition })));
  gateway.send(question.bytes, question);
  assert.equal(await answered.promise, nonce);
  assert.ok(faults.includes("noWay"));
  sockets[Symbol.dispose]();
});

kernelTest(
  "what is for all goes as a frame to the gateway that is asked, from no address before there is one",
  async () => {
    await cable("tunnel", "far");
    const sockets = new ClientSockets("tunnel", local, tunnel, nobody);
    const other = parseIpv4("127.0.0.3");
    using present = UdpSocket.open({ address: tunnel.remote, port: tunnel.port });
    using next = UdpSocket.open({ address: other, port: tunnel.port });
    const identity = { mac: tunnel.mac };
    const transaction = { xid: 0x31503150, secs: 0 };
    const address = parseIpv4("172.29.0.20");
    const said = async (end: UdpSocket) => {
      const { bytes, address: from } = (await end.receive())!;
      assert.equal(from, local);
      const { vni, frame } = decodeVxlan(bytes);
      const { source, destination, etherType, payload } = decodeEthernet(frame);
      assert.deepEqual([vni, source, destination], [tunnel.id, tunnel.mac, broadcastMac]);
      if (etherType === etherTypes.arp) return payload.toHex();
      const datagram = decodeUdp(decodeIpv4(payload));
      assert.deepEqual([datagram.sourcePort, datagram.destinationPort], [68, 67]);
      assert.equal(decodeDhcp(datagram.payload).xid, transaction.xid);
      return [datagram.source, datagram.destination].map(formatIpv4).join(" > ");
    };

    sockets.sendDhcp(discoverMessage(identity, transaction), broadcast, tunnel.remote);
    assert.equal(await said(present), "0.0.0.0 > 255.255.255.255");
    sockets.sendDhcp(renewMessage(identity, transaction, address), broadcast, other);
    assert.equal(await said(next), "172.29.0.20 > 255.255.255.255");
    sockets.watchAddress(address);
    assert.equal(await said(present), "0001080006040001" + "02780a2a0005" + "00000000" + "000000000000" + "ac1d0014");
    sockets[Symbol.dispose]();
  },
);

kernelTest("where not all of the sockets can be had, none stays open", () => {
  const before = openFiles();
  const restore = leaveFree(before, 4);
  try {
    assert.throws(() => new ClientSockets("lo", local, tunnel, nobody), SocketError);
  } finally {
    restore();
  }
  assert.deepEqual(openFiles(), before);
});

/** The numbers of this process's open files. */
function openFiles(): Set<number> {
  const isOpen = ({ name }: Deno.DirEntry) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`) !== "";
    } catch {
      return false; // the one by which the list was read
    }
  };
  return new Set([...Deno.readDirSync("/proc/self/fd")].filter(isOpen).map(({ name }) => Number(name)));
}

/** From now on this process can open `count` files more, until the result is called. */
function leaveFree(open: ReadonlySet<number>, count: number): () => void {
  const RLIMIT_NOFILE = 7;
  const limits = new BigUint64Array(2);
  const bytes = new Uint8Array(limits.buffer);
  libc.prlimit64(0, RLIMIT_NOFILE, null, bytes);
  const former = limits[0]!;
  let limit = 0;
  for (let free = 0; free < count; limit++) if (!open.has(limit)) free++;
  limits[0] = BigInt(limit);
  libc.prlimit64(0, RLIMIT_NOFILE, bytes, null);
  return () => {
    limits[0] = former;
    libc.prlimit64(0, RLIMIT_NOFILE, bytes, null);
  };
}
