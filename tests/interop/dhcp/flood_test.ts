/** The gateway under a flood of DHCPDISCOVERs, each of another, invented hardware address. */
import assert from "node:assert/strict";
import { memoryOf } from "../../bench/memory_of.ts";
import { scriptCommand } from "../../lab/program.ts";
import { eventually, startClient, startGateway, untilOpen } from "../../lab/roles.ts";
import { labTests } from "../../lab/test.ts";
import { clients } from "./clients.ts";
import { addressesOf, connect, withPods } from "./pods.ts";

const labTest = labTests();
/** Half of what a gateway answers on a calm core. */
const rate = 10_000;
const timeoutMs = 120_000;
/** Messages, in ten thousands. */
const all = Number(Deno.env.get("PGW_TEST_FLOOD") ?? 12);
/**
 * In 10^6 bytes, from the highest of one half to that of the other. V8 leaves garbage lying until it collects it all: compiled,
 * memory goes up and down between 25 and 36 however long it lasts, from source by more.
 */
const mostGrowth = Deno.env.has("PGW_BIN") ? 6 : 12;
/** What grows with the messages does so in each of them; garbage seldom lies as awkwardly twice. */
const mostWindows = 3;

labTest("a flood of invented hardware addresses: memory stays flat, and others get their leases", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  // As it is compiled: else V8 lets its garbage grow by tens of megabytes first.
  const settings = { PGW_LOG_LEVEL: "info", DENO_V8_FLAGS: "--max-semi-space-size=2,--expose-gc" };
  const pgw = await startGateway(gateway, settings);
  await withPods(lab, ["udhcpc"], async ({ udhcpc }) => {
    await connect(udhcpc, gateway.address.v4);
    const command = scriptCommand("../interop/dhcp/flood_main.ts", gateway.address.v4, String(rate));
    const flood = lab.stranger.spawn(command);
    await flood.waitFor(/^10000$/, { timeoutMs });
    const hasLease = async () => (await addressesOf(udhcpc)).length > 0;
    await Promise.all([
      untilOpen(startClient(client)),
      clients.udhcpc.start(udhcpc).then(() => eventually("a lease", hasLease, timeoutMs)),
    ]);
    let growth = Infinity;
    for (let window = 0; window < mostWindows && growth >= mostGrowth; window++) {
      const memory: number[] = [];
      const from = flood.lines.length;
      for (let count = from + 1; count <= from + all; count++) {
        await flood.waitFor(new RegExp(`^${count}0000$`), { timeoutMs });
        memory.push(memoryOf(pgw).anonymous);
      }
      console.log(`    MB each ten thousand messages: ${memory.map((megabytes) => megabytes.toFixed(1)).join(" ")}`);
      const half = Math.floor(all / 2);
      growth = Math.max(...memory.slice(half)) - Math.max(...memory.slice(0, half));
    }
    assert.equal(flood.status, undefined, "it went on all the time");
    flood.kill("SIGKILL");
    assert.ok(growth < mostGrowth, `${growth} MB more`);
  });
}, { timeoutMs: 3 * timeoutMs });
