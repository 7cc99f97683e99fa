/** The compiled program: start and memory mean little from source. */
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Makes the lab run what PGW_BIN names, or `dist/pgw`; returns its path. Ends this program when there is none. */
export function useCompiledProgram(): string {
  const path = Deno.env.get("PGW_BIN") ?? `${root}dist/pgw`;
  try {
    Deno.statSync(path);
  } catch {
    console.error(`${path} is not there: run \`deno task compile\` first, or name another by PGW_BIN`);
    Deno.exit(2);
  }
  Deno.env.set("PGW_BIN", path);
  return path;
}

/**
 * Compiles a script as `deno task compile` compiles the program, but with all rights; its path. Where the lab is entered
 * later: here the network is still there to get the runtime.
 */
export async function compileScript(script: string): Promise<string> {
  const output = `${await Deno.makeTempDir({ prefix: "pgw-bench-" })}/program`;
  const { tasks } = JSON.parse(await Deno.readTextFile(`${root}deno.json`));
  const v8Flags = /--v8-flags=\S+/.exec(tasks.compile)![0];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["compile", "--quiet", "--no-check", "--no-config", "--allow-all", v8Flags, "--output", output, script],
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return output;
}
