/** Memory of processes, and the program that does nothing, which they are compared with. */
import { dirname } from "node:path";
import type { Pod } from "../lab/pod.ts";
import type { Process } from "../lab/process.ts";
import { sleep } from "../lab/roles.ts";

const waiterVariable = "PGW_BENCH_WAITER";

/** In 10^6 bytes, as the issue counts. */
export function memoryOf({ pid }: Process): { readonly anonymous: number; readonly resident: number } {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  const megabytes = (key: string) => Number(new RegExp(`^${key}: +(\\d+) kB$`, "m").exec(text)?.[1]) * 1_024 / 1e6;
  return { anonymous: megabytes("Anonymous"), resident: megabytes("Rss") };
}

/** Makes a program of one line, compiled like ours. To be called where the network is still there to get the runtime. */
export async function compileWaiter(): Promise<void> {
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
  Deno.env.set(waiterVariable, `${directory}/waiter`);
}

/** Starts that program; its file is removed when it runs. */
export async function startWaiter(pod: Pod): Promise<Process> {
  const path = Deno.env.get(waiterVariable)!;
  const waiter = pod.spawn([path]);
  await sleep(1_000);
  await Deno.remove(dirname(path), { recursive: true });
  return waiter;
}
