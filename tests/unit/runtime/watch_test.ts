import assert from "node:assert/strict";
import { parseResolvConf } from "../../../mod/dns/resolv_conf.ts";
import { watchTextFile } from "../../../mod/runtime/watch.ts";

const first = "nameserver 10.96.0.10\n";
const second = "nameserver 10.8.0.1\n";

/** A watched file in a folder of its own. `next` resolves to the next reported text. */
async function watched(
  body: (watch: { path: string; next(): Promise<string>; reported: string[] }) => Promise<void>,
  options = { pollMs: 60_000, settleMs: 20, emptyMs: 200 },
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/resolv.conf`;
  await Deno.writeTextFile(path, first);
  const reported: string[] = [];
  let awaited: ((text: string) => void) | undefined;
  const watch = watchTextFile(path, first, (text) => {
    reported.push(text);
    awaited?.(text);
  }, { ...options, isEmpty: (text) => parseResolvConf(text).nameservers.length === 0 });
  const next = () => new Promise<string>((resolve) => awaited = resolve);
  try {
    await wait(50);
    await body({ path, next, reported });
  } finally {
    watch.close();
    await Deno.remove(folder, { recursive: true });
  }
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

Deno.test("written in place, replaced, and written again after that", () =>
  watched(async ({ path, next }) => {
    let change = next();
    await Deno.writeTextFile(path, second);
    assert.equal(await change, second);
    change = next();
    await Deno.writeTextFile(`${path}.new`, first);
    await Deno.rename(`${path}.new`, path);
    assert.equal(await change, first);
    change = next();
    await Deno.writeTextFile(path, second);
    assert.equal(await change, second);
  }));

Deno.test("written in pieces: only the whole text is reported", () =>
  watched(async ({ path, next, reported }) => {
    const change = next();
    using file = await Deno.open(path, { write: true, truncate: true });
    for (const piece of ["nameserver 10.", "8.0.1", "0\n"]) {
      await file.write(new TextEncoder().encode(piece));
      await wait(5);
    }
    assert.equal(await change, "nameserver 10.8.0.10\n");
    assert.equal(reported.length, 1);
  }, { pollMs: 60_000, settleMs: 200, emptyMs: 2000 }));

Deno.test("empty for a moment, or gone for a moment: nothing is reported", () =>
  watched(async ({ path, reported }) => {
    await Deno.writeTextFile(path, "");
    await wait(50);
    await Deno.writeTextFile(path, first);
    await wait(50);
    await Deno.remove(path);
    await wait(50);
    await Deno.writeTextFile(path, first);
    await wait(400);
    assert.deepEqual(reported, []);
  }, { pollMs: 60_000, settleMs: 10, emptyMs: 300 }));

Deno.test("without nameservers for good: reported in the end, and so is what comes after", () =>
  watched(async ({ path, next }) => {
    let change = next();
    await Deno.writeTextFile(path, "search lan\n");
    assert.equal(await change, "search lan\n");
    change = next();
    await Deno.writeTextFile(path, second);
    assert.equal(await change, second);
  }));

Deno.test("a ConfigMap: the folder behind the file's link is exchanged", () =>
  watched(async ({ path, next }) => {
    const folder = path.slice(0, path.lastIndexOf("/"));
    await Deno.mkdir(`${folder}/..1`);
    await Deno.mkdir(`${folder}/..2`);
    await Deno.writeTextFile(`${folder}/..1/resolv.conf`, first);
    await Deno.writeTextFile(`${folder}/..2/resolv.conf`, second);
    await Deno.symlink("..1", `${folder}/..data`);
    await Deno.remove(path);
    await Deno.symlink("..data/resolv.conf", path);
    await wait(50);
    const change = next();
    await Deno.symlink("..2", `${folder}/..data_tmp`);
    await Deno.rename(`${folder}/..data_tmp`, `${folder}/..data`);
    assert.equal(await change, second);
  }));

Deno.test("a bind mount, of which the folder tells nothing, by its own events or by the poll", () =>
  watched(async ({ path, next }) => {
    const source = await Deno.makeTempFile();
    await Deno.writeTextFile(source, first);
    const run = async (...command: [string, ...string[]]) => {
      const [program, ...args] = command;
      assert.equal((await new Deno.Command(program, { args }).output()).code, 0, command.join(" "));
    };
    await run("mount", "--bind", source, path);
    try {
      const change = next();
      await Deno.writeTextFile(source, second);
      assert.equal(await change, second);
    } finally {
      await run("umount", path);
      await Deno.remove(source);
    }
  }, { pollMs: 100, settleMs: 20, emptyMs: 200 }));
