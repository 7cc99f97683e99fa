/** What the compiled program may do is what `docs/security.md` lists, and it runs what it is allowed to, in one place. */

import assert from "node:assert/strict";

const root = new URL("../../", import.meta.url);

Deno.test("docs/security.md: the compiled program's rights are those of the task", () => {
  const { compile } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root))).tasks;
  const granted = [...compile.matchAll(/--allow-\S+/g)].map(([flag]) => flag).sort();
  const [, section = ""] = Deno.readTextFileSync(new URL("docs/security.md", root)).split("## What the program may do");
  const told = [...section.split("\n## ")[0]!.matchAll(/`(--allow-[^`]+)`/g)].map(([, flag]) => flag).sort();
  assert.deepEqual(told, granted);
});

Deno.test("programs are started in one place, two of them, and without a shell", async () => {
  const starting: string[] = [];
  for (const path of await sources("mod/")) {
    if (Deno.readTextFileSync(new URL(path, root)).includes("Deno.Command")) starting.push(path);
  }
  assert.deepEqual(starting, ["mod/linux/runner.ts"]);
  const runner = Deno.readTextFileSync(new URL("mod/linux/runner.ts", root));
  const { compile } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", root))).tasks;
  const allowed = /--allow-run=(\S+)/.exec(compile)![1]!.split(",");
  assert.equal(runner.includes(`const tools = ${JSON.stringify(allowed).replace(",", ", ")};`), true);
});

async function sources(directory: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(directory, root))) {
    if (isDirectory) found.push(...await sources(`${directory}${name}/`));
    else if (name.endsWith(".ts")) found.push(`${directory}${name}`);
  }
  return found;
}
