/** `deno task fuzz dhcp|dns [INPUTS] [SEED]`: runs `tests/fuzz/NAME.ts`. */
import { fileURLToPath } from "node:url";

const names = ["dhcp", "dns"];
const [name = "", ...args] = Deno.args;

if (!names.includes(name)) {
  console.error(`deno task fuzz ${names.join("|")} [INPUTS] [SEED]`);
  Deno.exit(2);
}
const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
const command = new Deno.Command(Deno.execPath(), {
  args: ["run", "--allow-read", "--no-check", "--v8-flags=--expose-gc", script, ...args],
});
Deno.exit((await command.spawn().status).code);
