/** How the program under test is started: from source, or the file that PGW_BIN names. */
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Deno without any download and without type checks: both were done before the lab, which has no network. */
const deno = [Deno.execPath(), "run", "-A", "--cached-only", "--no-check"];

export function pgwCommand(): readonly string[] {
  const binary = Deno.env.get("PGW_BIN");
  return binary === undefined ? [...deno, main] : [Deno.realPathSync(binary)];
}

/** What the program imports, and the lab's scripts, downloaded while there is a network. */
export async function cacheProgram(): Promise<void> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args: ["cache", "--quiet", main] }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
}

/** What Deno needs to find its cache; all else of the environment is kept from the program. */
export function pgwEnv(): Readonly<Record<string, string>> {
  return { ...denoDirectory(), NO_COLOR: "1" };
}

/** One of the lab's own scripts, as a command. */
export function scriptCommand(name: string, ...args: readonly string[]): readonly string[] {
  return ["env", ...Object.entries(denoDirectory()).map(([key, value]) => `${key}=${value}`), ...deno, "--unstable-net"]
    .concat(script(name), args);
}

function denoDirectory(): Record<string, string> {
  const environment: Record<string, string> = { DENO_NO_UPDATE_CHECK: "1" };
  for (const name of ["DENO_DIR", "HOME", "XDG_CACHE_HOME"]) {
    const value = Deno.env.get(name);
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
