/** Ours with 65,000 leases beside ours with few: memory, the cost of an exchange, and the time to start again. */
import { parseIpv4 } from "../../../mod/addr/ipv4.ts";
import { encodeRecords } from "../../../mod/dhcp/lease_store.ts";
import type { Process } from "../../lab/process.ts";
import { scriptCommand } from "../../lab/program.ts";
import { sleep } from "../../lab/roles.ts";
import { judge, median } from "../report.ts";
import { cpuMs } from "./load.ts";
import { firstMac, perfdhcp } from "./perfdhcp.ts";
import { type DhcpWorld, overlay } from "./world.ts";

const many = 65_000;
const few = 100;
/** So that each of the few, by chance too, stays below the ten messages a second that a server takes from it. */
const rate = 200;
const seconds = 10;
const rounds = 3;
const restarts = 3;

export async function benchScale(world: DhcpWorld): Promise<void> {
  const [atFew, atMany] = [await measure(world, few), await measure(world, many)];
  judge("MB more with 65,000 leases", atMany.megabytes - atFew.megabytes, { atMost: 64 });
  console.log(`an exchange: ${atFew.cpu.toFixed(0)} us with ${few} leases, ${atMany.cpu.toFixed(0)} us with ${many}`);
  judge("cost of an exchange, 65,000 leases / few", atMany.cpu / atFew.cpu, { atMost: 1.2 });
  for (const count of [0, many]) {
    const times: number[] = [];
    for (let round = 0; round < restarts; round++) times.push(await timeToFirstAnswer(world, count));
    console.log(`start with ${count} leases: first answer after ${times.map((ms) => ms.toFixed(0)).join(", ")} ms`);
    if (count === many) judge("ms to the first answer with 65,000 leases", median(times), { atMost: 1_000 });
  }
}

/** A journal in which perfdhcp's first clients have a lease each. */
function journal(count: number): Uint8Array {
  const until = Date.now() + 3_600_000;
  const first = parseIpv4("172.29.0.20");
  return encodeRecords(Array.from({ length: count }, (_, number) => {
    const clientId = new Uint8Array(8);
    new DataView(clientId.buffer).setBigUint64(0, BigInt(firstMac + number));
    clientId[1] = 1; // the hardware type of Ethernet
    return {
      address: first + number,
      state: "bound" as const,
      chaddr: clientId.subarray(2),
      clientId: clientId.subarray(1),
      until,
    };
  }));
}

async function measure(world: DhcpWorld, count: number): Promise<{ megabytes: number; cpu: number }> {
  const server = await world.start("pgw", journal(count));
  await perfdhcp(world, { rate, clients: count, seconds });
  // A single collection, or compilation, is a tenth of what is measured.
  const costs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = cpuMs(server);
    const { completed } = await perfdhcp(world, { rate, clients: count, seconds });
    costs.push(1000 * (cpuMs(server) - before) / (completed * seconds));
  }
  const cpu = median(costs);
  await sleep(14_000); // garbage is collected, and memory given back, some time after the work
  const megabytes = anonymousMegabytes(server);
  console.log(`${count} leases: ${megabytes.toFixed(1)} MB anonymous memory`);
  await world.stop(server);
  return { megabytes, cpu };
}

async function timeToFirstAnswer(world: DhcpWorld, count: number): Promise<number> {
  // As after a crash in the same Pod: the device is there, and nobody has to ask where the gateway is.
  const former = await world.start("pgw");
  await world.load.exec(["ping", "-c1", "-W2", overlay.server]);
  await former.stop("SIGKILL");
  await world.prepare(journal(count));
  const asker = world.load.spawn(scriptCommand("../bench/dhcp/first_answer_main.ts", overlay.relay, overlay.server));
  await asker.waitFor(/^asking$/);
  const { process, startedAt } = world.spawnPgw();
  const answered = await asker.waitFor(/^answered /, { timeoutMs: 30_000 });
  await world.stop(process);
  return Number(answered.text.split(" ")[1]) - startedAt;
}

function anonymousMegabytes({ pid }: Process): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  return Number(/^Anonymous: +(\d+) kB$/m.exec(text)?.[1]) * 1_024 / 1e6;
}
