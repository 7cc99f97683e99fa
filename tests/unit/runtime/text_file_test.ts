import assert from "node:assert/strict";
import { overwriteText } from "../../../mod/runtime/text_file.ts";

Deno.test("a text is written over in place, by a longer one and by a shorter one", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "nameserver 10.96.0.10\n");
  const { ino } = await Deno.stat(path);
  for (
    const text of ["# ü\nnameserver 172.29.0.1\n# pgw-cluster-nameserver 10.96.0.10\n", "nameserver 10.96.0.10\n", ""]
  ) {
    overwriteText(path, text);
    assert.equal(await Deno.readTextFile(path), text);
  }
  assert.equal((await Deno.stat(path)).ino, ino);
  await Deno.remove(path);
});

Deno.test("who reads a text while it is written over never finds it empty", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "first\n");
  const writing = `
    import { overwriteText } from "${new URL("../../../mod/runtime/text_file.ts", import.meta.url)}";
    for (let turn = 0;; turn++) overwriteText("${path}", "nameserver 10.96.0.10\\n".repeat(1 + turn % 3));
  `;
  const writer = new Deno.Command(Deno.execPath(), { args: ["eval", "--quiet", writing] }).spawn();
  while (Deno.readTextFileSync(path) === "first\n") await new Promise((resolve) => setTimeout(resolve, 5));
  const seen = new Set<boolean>();
  for (let look = 0; look < 50_000; look++) seen.add(Deno.readTextFileSync(path) === "");
  writer.kill("SIGKILL");
  await writer.status;
  assert.deepEqual(seen, new Set([false]));
  await Deno.remove(path);
});
