/** dnsmasq joins equal questions and answers all in the spelling of the first: no reason to ask it otherwise. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { decode, type DecodedPacket, encode } from "dns-packet";
import { parsePrefix, type Prefix4 } from "../../../mod/addr/prefix.ts";
// The C library is opened here, not in the test.
import "../../../mod/linux/question_sockets.ts";
import { startDnsServer } from "../../../mod/runtime/dns_server.ts";
import { eventually } from "../../lab/roles.ts";
import { StubUpstream } from "../../unit/runtime/stub_upstream.ts";

const dnsmasq = { address: "127.0.0.96", port: 53 } as const;
const ownAddress = "127.0.0.98";
const patienceMs = 5000;

function startDnsmasq(upstream: StubUpstream): AsyncDisposable {
  const options = "-k -C /dev/null --no-hosts --no-resolv --bind-interfaces --user=root --group= --pid-file=".split(
    " ",
  );
  const server = `--server=${upstream.address}#${upstream.port}`;
  const args = [...options, `--listen-address=${dnsmasq.address}`, server];
  const process = new Deno.Command("dnsmasq", { args, stderr: "null" }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      process.kill();
      await process.status;
    },
  };
}

/** Asks by UDP; the rcode of the answer. */
async function ask({ address, port }: { readonly address: string; readonly port: number }, name: string) {
  const socket = createSocket("udp4");
  try {
    const questions = [{ type: "A", name, class: "IN" }] as const;
    socket.send(encode({ type: "query", id: 7, flags: 0x0100, questions: [...questions] }), port, address);
    const [bytes] = await once(socket, "message", { signal: AbortSignal.timeout(patienceMs) });
    return (decode(Buffer.from(bytes)) as DecodedPacket & { rcode: string }).rcode;
  } catch (error) {
    return `${error}`;
  } finally {
    socket.close();
  }
}

Deno.test("dnsmasq: a slow name and one that others ask for too are answered, and leave all others to UDP", async () => {
  await using upstream = await StubUpstream.open("127.0.0.1");
  await using _dnsmasq = startDnsmasq(upstream);
  const server = await startDnsServer({
    listen: { address: ownAddress, port: 0 },
    allow: parsePrefix("127.0.0.0/8") as Prefix4,
    clusterZones: ["cluster.local"],
    clusterServers: [],
    outsideServers: [dnsmasq.address],
    cacheBytes: 1 << 20,
  });
  const ours = { address: ownAddress, port: server.port };
  const answers = async (name: string) => assert.equal(await ask(ours, name), "NOERROR", name);
  try {
    await eventually("dnsmasq answers", async () => await ask(ours, "first.example.org") === "NOERROR");
    // Once its answers are known to be fast, a slow name is asked for four times.
    for (let index = 0; index < 20; index++) await answers(`fast${index}.example.org`);
    upstream.delayMs = 1600;
    await answers("a-slow-name.example.org");
    upstream.delayMs = 0;
    await answers("after-the-slow-name.example.org");
    assert.equal(upstream.connections, 0);

    upstream.delayMs = 300;
    const arrived = new Promise<void>((resolve) => upstream.before = () => resolve());
    const others = ask(dnsmasq, "a-popular-name.example.org");
    await arrived;
    await answers("a-popular-name.example.org");
    assert.equal(await others, "NOERROR");
    upstream.delayMs = 0;
    // That one question may have gone by TCP, which dnsmasq hands on as such.
    const { connections } = upstream;
    assert.ok(connections <= 1);
    for (let index = 0; index < 5; index++) await answers(`after${index}.example.org`);
    assert.equal(upstream.connections, connections);
  } finally {
    await server.close();
  }
});
