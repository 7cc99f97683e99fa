import assert from "node:assert/strict";
import { MissingToolError } from "../../../mod/errors.ts";
import { CommandError, CommandRunner } from "../../../mod/linux/runner.ts";

const runner = new CommandRunner();

Deno.test("what a command prints, with and without input", async () => {
  assert.equal(await runner.run(["echo", "a b"]), "a b\n");
  assert.equal(await runner.run(["cat"], "in"), "in");
  assert.equal(await runner.run(["cat"], ""), "");
});

Deno.test("more than a pipe holds, both ways at once", async () => {
  const text = "0123456789abcdef".repeat(65_536);
  assert.equal(await runner.run(["cat"], text), text);
});

Deno.test("the locale is C, whatever the user's is", async () => {
  assert.equal(await runner.run(["sh", "-c", "echo $LC_ALL"]), "C\n");
});

Deno.test("a command that fails: its exit code, and what it said", async () => {
  await assert.rejects(
    runner.run(["sh", "-c", "echo Command failed -:2 >&2; exit 3"]),
    (error) =>
      error instanceof CommandError && error.code === 3 && error.stderr === "Command failed -:2\n" &&
      error.message.endsWith("failed with exit code 3: Command failed -:2"),
  );
});

Deno.test("a command that ends before it has read its input", async () => {
  const text = "x".repeat(1_000_000);
  await assert.rejects(runner.run(["false"], text), (error) => error instanceof CommandError && error.code === 1);
  assert.equal(await runner.run(["true"], text), "");
});

Deno.test("a command that does not end is killed", async () => {
  await assert.rejects(
    new CommandRunner(100).run(["sleep", "3600"]),
    (error) => error instanceof CommandError && error.code === undefined && /did not end in time/.test(error.message),
  );
});

Deno.test("what is enough is given before the program ends, and its end can be waited for", async () => {
  const path = await Deno.makeTempFile();
  const script = `echo one; while [ -e ${path} ]; do sleep 0.01; done; echo two; exit 1`;
  try {
    assert.equal(await runner.run(["sh", "-c", script], undefined, (output) => output === "one\n"), "one\n");
  } finally {
    await Deno.remove(path);
    await runner.settled();
  }
});

Deno.test("that a program has its whole input is known before it ends", async () => {
  const runner = new CommandRunner();
  const go = await Deno.makeTempFile();
  try {
    const run = runner.run(["sh", "-c", `wc -c; while [ -e ${go} ]; do sleep 0.01; done`], "x".repeat(200_000));
    await runner.fed();
    await Deno.remove(go);
    assert.equal((await run).trim(), "200000");
  } finally {
    await Deno.remove(go).catch(() => {});
  }
});

Deno.test("a program that is not there", async () => {
  await assert.rejects(
    runner.run(["no-such-program"]),
    (error) => error instanceof MissingToolError && error.tool === "no-such-program",
  );
});

Deno.test("a refusal for another reason than a missing capability stays what it is", async () => {
  await assert.rejects(
    runner.run(["sh", "-c", "echo RTNETLINK answers: Permission denied >&2; exit 2"]),
    // Root has both capabilities; anyone else is told which one is missing.
    (error) => error instanceof Error && (Deno.uid() !== 0 || error instanceof CommandError),
  );
});

Deno.test("tools get the environment, but nothing that loads other code into them", async () => {
  Deno.env.set("LD_PRELOAD", "/nowhere/library.so");
  Deno.env.set("PGW_TEST_INHERITED", "yes");
  try {
    assert.equal(await runner.run(["sh", "-c", "echo $LD_PRELOAD $PGW_TEST_INHERITED"]), "yes\n");
  } finally {
    Deno.env.delete("LD_PRELOAD");
    Deno.env.delete("PGW_TEST_INHERITED");
  }
});
