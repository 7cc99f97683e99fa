/**
 * Anonymous memory of an idle client and an idle gateway beside a compiled program that only waits.
 *
 * `deno task bench memory [SECONDS]`, after `deno task compile`, by the same Deno (DENORT_BIN is honoured as there).
 */
import { enterOrContinue, isInside } from "../lab/enter.ts";
import { Lab, names } from "../lab/lab.ts";
import { sleep, startGateway, untilOpen } from "../lab/roles.ts";
import { useCompiledProgram } from "./binary.ts";
import { compileWaiter, memoryOf, startWaiter } from "./memory_of.ts";
import { judge, machine } from "./report.ts";

const limits = { client: 1.25, gateway: 1.5 };

if (!isInside()) {
  useCompiledProgram();
  await compileWaiter();
}
await enterOrContinue(import.meta.filename!);
const idleSeconds = Number(Deno.args[0] ?? 30);

await using lab = await Lab.create();
await lab.setEndpoints([0]);
console.log(`${machine()}; after ${idleSeconds} s without anything to do`);

// As users run them: what is logged at debug is not made.
const quiet = { PGW_LOG_LEVEL: "info" };
const gateway = await startGateway(lab.gateway(0), quiet);
const client = lab.client(0).pgw(["client", "run", names.gateway], { env: quiet });
await untilOpen(client);
const waiter = await startWaiter(lab.stranger);
await sleep(idleSeconds * 1_000);

const memory = { waiter: memoryOf(waiter), client: memoryOf(client), gateway: memoryOf(gateway) };
for (const [name, { anonymous, resident }] of Object.entries(memory)) {
  const ratio = (anonymous / memory.waiter.anonymous).toFixed(2);
  console.log(
    `${name.padEnd(8)} ${anonymous.toFixed(1).padStart(5)} MB anonymous (${ratio} x), ${
      resident.toFixed(1)
    } MB resident`,
  );
}
for (const role of ["client", "gateway"] as const) {
  judge(`${role} / waiter`, memory[role].anonymous / memory.waiter.anonymous, { atMost: limits[role] });
}
