/** Programs as peers run them. */
import { labDirectory } from "../../lab/enter.ts";
import { host } from "../../lab/namespace.ts";
import type { Pod } from "../../lab/pod.ts";

/** Copies a program to the Pod's /run: AppArmor confines some where they are installed. */
export async function installProgram(pod: Pod, path: string): Promise<void> {
  const name = path.replace(/.*\//, "");
  await host(["cp", "-u", path, `${labDirectory}/${name}`]);
  await host(["cp", "-u", `${labDirectory}/${name}`, `${pod.runDirectory}/${name}`]);
}

export async function installScript(pod: Pod, name: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${pod.runDirectory}/${name}`, text, { mode: 0o755 });
}
