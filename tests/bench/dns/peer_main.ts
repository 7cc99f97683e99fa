/** What `bench/dns.ts` measures of ours: the forwarder, or a bare echo by the same sockets. `forwarder|echo ADDRESS OUTSIDE CLUSTER BYTES` */
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { everything4 } from "../../../mod/addr/prefix.ts";
import { UdpSocket } from "../../../mod/linux/udp_socket.ts";
import { startDnsServer } from "../../../mod/runtime/dns_server.ts";

const [mode, address = "", outside = "", cluster = "", cacheBytes] = Deno.args;

if (mode === "echo") {
  const socket = UdpSocket.open({ address: parseIpv4(address), port: 53, batch: 64, receiveBuffer: 1 << 20 });
  socket.serve((batch) => {
    for (let index = 0; index < batch.count; index++) {
      // dnsperf counts what looks like an answer.
      const bytes = batch.bytes(index);
      bytes[2]! |= 0x80;
      batch.reply(index, bytes.length);
    }
    socket.sendBatch();
  });
  console.log("ready");
} else {
  await startDnsServer({
    listen: { address, port: 53 },
    allow: everything4,
    clusterZones: ["cluster.local"],
    clusterServers: [cluster],
    outsideServers: [outside],
    cacheBytes: Number(cacheBytes),
  });
  console.log("ready");
}
