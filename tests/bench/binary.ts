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
