/** `deno task bench NAME [ARGUMENT...]`: runs `tests/bench/NAME.ts`. */
import { fileURLToPath } from "node:url";
import { ensureTools } from "../lab/tools.ts";

const helpers = ["main", "binary", "report", "stream", "seed_watch", "memory_of"];
const directory = fileURLToPath(new URL(".", import.meta.url));
const names = [...Deno.readDirSync(directory)].filter(({ isFile }) => isFile).map(({ name }) =>
  name.replace(/\.ts$/, "")
)
  .filter((name) => !name.endsWith("_main") && !helpers.includes(name)).sort();
const [name = "", ...args] = Deno.args;
const file = name.replaceAll("-", "_");

if (!names.includes(file)) {
  console.error(`deno task bench ${names.map((name) => name.replaceAll("_", "-")).join("|")}`);
  Deno.exit(2);
}
await ensureTools();
const flags = ["-A", "--no-check", "--v8-flags=--expose-gc", "--unstable-net"];
const command = new Deno.Command(Deno.execPath(), { args: ["run", ...flags, `${directory}${file}.ts`, ...args] });
Deno.exit((await command.spawn().status).code);
