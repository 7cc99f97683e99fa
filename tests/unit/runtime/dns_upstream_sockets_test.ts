import assert from "node:assert/strict";
import { readFrames, writeFrame } from "../../../mod/runtime/dns_frames.ts";
import { openUpstreamSockets } from "../../../mod/runtime/dns_upstream_sockets.ts";
import { closeQuietly, loopback, Peer } from "./loopback.ts";

const permissions = { ffi: false, net: "inherit" } as const;

Deno.test({ name: "without the C library, questions leave by the runtime's own sockets", permissions }, async () => {
  (await openUpstreamSockets()).close();
});

Deno.test({ name: "questions that should be marked leave by none that cannot mark them", permissions }, async () => {
  await assert.rejects(openUpstreamSockets([], 0x3151));
});

/** A server that answers so many questions of each connection and then closes it; what became of `count` at once. */
async function askingAtOnce(count: number, answersPerConnection: number) {
  await using server = new Peer(async (connection) => {
    let answers = 0;
    await readFrames(connection, async (question) => {
      if (answers++ < answersPerConnection) await writeFrame(connection, question);
      if (answers >= answersPerConnection) throw new Error("that was all");
    });
    closeQuietly(connection);
  });
  const sockets = await openUpstreamSockets();
  const address = { transport: "udp", address: loopback, port: server.port } as const;
  const outcomes = Array.from({ length: count }, (_, id) =>
    new Promise<"answered" | "failed">((resolve) => {
      const answered = () => {
        listening.close();
        resolve("answered");
      };
      const reception = { received: answered, failed: () => resolve("failed") };
      const listening = sockets.ask(address, "tcp", Uint8Array.of(0, id), reception);
    }));
  const answered = (await Promise.all(outcomes)).filter((outcome) => outcome === "answered").length;
  await sockets.close();
  return { answered, connections: server.accepted };
}

Deno.test("questions that were on their way when the server closed are asked again, together", async () => {
  assert.deepEqual(await askingAtOnce(60, 10), { answered: 60, connections: 6 });
  assert.deepEqual(await askingAtOnce(20, 1), { answered: 20, connections: 20 });
});

Deno.test("a server that closes without an answer is not asked again and again", async () => {
  assert.deepEqual(await askingAtOnce(20, 0), { answered: 0, connections: 1 });
});
