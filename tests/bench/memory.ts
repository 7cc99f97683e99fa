/**
 * Anonymous memory of an idle client and an idle gateway beside a compiled program that only waits.
 *
 * `deno task bench memory [SECONDS]`, after `deno task compile`, by the same Deno (DENORT_BIN is honoured as there).
 */
import { dirname } from "node:path";
import { enterOrContinue, isInside } from "../lab/enter.ts";
import { Lab, names } from "../lab/lab.ts";
import type { Process } from "../lab/process.ts";
import { sleep, startGateway, untilOpen } from "../lab/roles.ts";
import { useCompiledProgram } from "./binary.ts";
import { judge, machine } from "./report.ts";

const limits = { client: 1.25, gateway: 1.5 };
const waiterVariable = "PGW_BENCH_WAITER";

if (!isInside()) {
  useCompiledProgram();
  Deno.env.set(waiterVariable, await compileWaiter());
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
const waiter = lab.stranger.spawn([Deno.env.get(waiterVariable)!]);
await sleep(idleSeconds * 1_000);

await Deno.remove(dirname(Deno.env.get(waiterVariable)!), { recursive: true });

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

/** In 10^6 bytes, as the issue counts. */
function memoryOf({ pid }: Process): { readonly anonymous: number; readonly resident: number } {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  const megabytes = (key: string) => Number(new RegExp(`^${key}: +(\\d+) kB$`, "m").exec(text)?.[1]) * 1_024 / 1e6;
  return { anonymous: megabytes("Anonymous"), resident: megabytes("Rss") };
}

/** A program of one line, compiled like ours; its path. Here the network is still there to get the runtime. */
async function compileWaiter(): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "pgw-bench-" });
  await Deno.writeTextFile(`${directory}/waiter.js`, "setInterval(() => {}, 60_000);\n");
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--quiet",
      "--no-check",
      "--no-config",
      "--output",
      `${directory}/waiter`,
      `${directory}/waiter.js`,
    ],
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return `${directory}/waiter`;
}
