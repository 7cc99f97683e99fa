/** Has the kernel kill a program for want of memory, where this process may make a memory cgroup. */
import { sleep } from "../lab/roles.ts";
import type { Process } from "../lab/process.ts";

/** cgroup v1 has a hierarchy of its own for memory, v2 one for all (cgroups(7)). */
const roots = [
  { path: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes" },
  { path: "/sys/fs/cgroup", limit: "memory.max" },
];

/**
 * Puts the program into a memory cgroup with a neighbour that takes whatever it gets: the kernel kills the larger of them
 * first. Returns how it was killed, in words: by SIGKILL alone where no memory cgroup can be had.
 */
export async function killForMemory(process: Process): Promise<string> {
  for (const { path, limit } of roots) {
    const group = makeGroup(path, limit);
    if (group === undefined) continue;
    try {
      Deno.writeTextFileSync(`${group}/cgroup.procs`, String(process.pid));
      // What a program has taken stays with the group that it was in then: the neighbour's memory alone counts.
      Deno.writeTextFileSync(`${group}/${limit}`, String(8 << 20));
      const hog = new Deno.Command("sh", { args: ["-c", `echo $$ > ${group}/cgroup.procs && exec tail /dev/zero`] });
      await hog.output();
      const { signal } = await process.end();
      return `killed by the kernel (${signal}), at a memory cgroup's limit`;
    } finally {
      process.kill("SIGKILL");
      await remove(group);
    }
  }
  const { signal } = await process.stop("SIGKILL");
  return `no memory cgroup can be had: killed by ${signal}, as the kernel does`;
}

/** undefined where this process may not, or where there is no controller for memory. */
function makeGroup(path: string, limit: string): string | undefined {
  const group = `${path}/pgw-lab-${crypto.randomUUID().slice(0, 8)}`;
  try {
    Deno.mkdirSync(group);
  } catch {
    return undefined;
  }
  try {
    Deno.statSync(`${group}/${limit}`);
    return group;
  } catch {
    Deno.removeSync(group);
    return undefined;
  }
}

/** It is busy until the kernel is done with the last of its processes. */
async function remove(group: string): Promise<void> {
  for (let attempt = 0;; attempt++) {
    try {
      return Deno.removeSync(group);
    } catch (error) {
      if (attempt === 100) throw error;
      await sleep(20);
    }
  }
}
