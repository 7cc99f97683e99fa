import assert from "node:assert/strict";
import { download } from "./tools.ts";

const program = "#!/bin/sh\necho it runs\n";
/** `sha256sum` of it. */
const sha256 = "dec4bdebd6c0da2f8ccaa20e65784423dd123b373a0b575166f473e6196991ca";

/** `body` with a server that has the program at /program, and a path to put it. */
async function serving(body: (base: string, path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) =>
      new URL(request.url).pathname === "/program" ? new Response(program) : new Response("", { status: 404 }),
  );
  try {
    await body(`http://127.0.0.1:${server.addr.port}`, `${folder}/bin/program`);
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a pinned program is downloaded, and runs", async () => {
  await serving(async (base, path) => {
    await download({ url: `${base}/program`, sha256 }, path);
    const { stdout } = await new Deno.Command(path).output();
    assert.equal(new TextDecoder().decode(stdout), "it runs\n");
  });
});

Deno.test("another program than the pinned one, or none, is refused and not written", async () => {
  await serving(async (base, path) => {
    await assert.rejects(
      download({ url: `${base}/program`, sha256: sha256.replace(/^./, "x") }, path),
      /SHA-256 is .*, not x/,
    );
    await assert.rejects(download({ url: `${base}/other`, sha256 }, path), /HTTP 404/);
    await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
  });
});
