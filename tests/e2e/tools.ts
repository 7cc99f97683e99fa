/** kind, kubectl and docker: those on the PATH, else pinned ones in .cache/bin. */

import { dirname } from "node:path";
import { run, which } from "./command.ts";

/** What is pinned: the program, wherever it comes from. */
export type Download = { readonly url: string; readonly sha256: string };

const folder = new URL("../../.cache/bin/", import.meta.url).pathname;

const downloads: Readonly<Record<"kind" | "kubectl", Readonly<Record<string, Download>>>> = {
  kind: {
    x86_64: {
      url: "https://github.com/kubernetes-sigs/kind/releases/download/v0.30.0/kind-linux-amd64",
      sha256: "517ab7fc89ddeed5fa65abf71530d90648d9638ef0c4cde22c2c11f8097b8889",
    },
    aarch64: {
      url: "https://github.com/kubernetes-sigs/kind/releases/download/v0.30.0/kind-linux-arm64",
      sha256: "7ea2de9d2d190022ed4a8a4e3ac0636c8a455e460b9a13ccf19f15d07f4f00eb",
    },
  },
  kubectl: {
    x86_64: {
      url: "https://dl.k8s.io/release/v1.34.1/bin/linux/amd64/kubectl",
      sha256: "7721f265e18709862655affba5343e85e1980639395d5754473dafaadcaa69e3",
    },
    aarch64: {
      url: "https://dl.k8s.io/release/v1.34.1/bin/linux/arm64/kubectl",
      sha256: "420e6110e3ba7ee5a3927b5af868d18df17aae36b720529ffa4e9e945aa95450",
    },
  },
};

/**
 * Makes sure that `kind`, `kubectl` and a docker that answers can be run by these names.
 *
 * @throws {Error} when docker does not answer, or a download is not what was pinned
 */
export async function provideTools(): Promise<void> {
  Deno.env.set("PATH", `${Deno.env.get("PATH")}:${folder}`);
  for (const tool of ["kind", "kubectl"] as const) {
    if (await which(tool) !== undefined) continue;
    const source = downloads[tool][Deno.build.arch];
    if (source === undefined) throw new Error(`install ${tool}: none is pinned for ${Deno.build.arch}`);
    console.log(`downloading ${tool} to .cache/bin: ${source.url}`);
    await download(source, `${folder}${tool}`);
  }
  try {
    await run(["docker", "version"]);
  } catch (cause) {
    throw new Error("docker does not answer; install and start it (kind runs its nodes in it)", { cause });
  }
}

/** Writes a program to `path`. @throws {Error} when it cannot be had, or is not what was pinned; then nothing is written */
export async function download(source: Download, path: string): Promise<void> {
  const response = await fetch(source.url);
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`${source.url}: HTTP ${response.status}`);
  }
  const bytes = await response.bytes();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (sha256 !== source.sha256) throw new Error(`${source.url}: SHA-256 is ${sha256}, not ${source.sha256}`);
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeFile(path, bytes, { mode: 0o755 });
}
