import assert from "node:assert/strict";
import { parseHealthTarget } from "../../mod/health/target.ts";
import { answers } from "../../mod/linux/reach.ts";
import { UdpSocket } from "../../mod/linux/udp_socket.ts";
import { kernelTest, podNetwork } from "./namespace.ts";

const patienceMs = 300;
const ask = (target: string, device?: string) => answers(parseHealthTarget(target), device, patienceMs);

kernelTest("a host that answers pings, also by a device, and one that is not there", async () => {
  await podNetwork();
  assert.equal(await ask("icmp://127.0.0.1"), true);
  assert.equal(await ask("icmp://127.0.0.1", "lo"), true);
  assert.equal(await ask("icmp://10.42.0.77", "eth0"), false);
  assert.equal(await ask("icmp://127.0.0.1"), true, "the reactor goes on");
});

kernelTest("a port that accepts connections, one that refuses them, and one behind silence", async () => {
  await podNetwork();
  using _listener = Deno.listen({ hostname: "127.0.0.1", port: 7443 });
  assert.equal(await ask("tcp://127.0.0.1:7443"), true);
  assert.equal(await ask("tcp://127.0.0.1:7444"), false);
  assert.equal(await ask("tcp://10.42.0.77:443", "eth0"), false);
});

kernelTest("a DNS server that answers, whatever it says; not a stray, and not silence", async () => {
  using server = UdpSocket.open({ port: 5353 });
  const answering = (async () => {
    for (let round = 0; round < 2; round++) {
      const { bytes, ...peer } = (await server.receive())!;
      bytes[2]! |= 0x80;
      if (round === 1) bytes[0]! ^= 1; // the id of another question
      server.send(bytes, peer);
    }
  })();
  assert.equal(await ask("dns://127.0.0.1:5353"), true);
  assert.equal(await ask("dns://127.0.0.1:5353"), false);
  await answering;
  assert.equal(await ask("dns://127.0.0.1:5354"), false);
});

kernelTest("a device that is not there is a way that leads nowhere", async () => {
  for (const target of ["icmp://127.0.0.1", "tcp://127.0.0.1:7443", "dns://127.0.0.1"]) {
    assert.equal(await ask(target, "tun9"), false, target);
  }
});
