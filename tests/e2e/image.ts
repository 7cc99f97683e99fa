/**
 * `deno task image`: builds the Containerfile with docker, podman or buildah, whichever is there, and writes a
 * docker-archive, dist/pod-gateway.tar. `--tests` builds the image of the tests in the cluster, too.
 *
 * DENO_VERSION in the environment goes in as build argument. PGW_IMAGE_BUILDER names the builder if it matters.
 */

import { attempt, run } from "./command.ts";

export type Image = {
  readonly name: string;
  /** The docker-archive. */
  readonly archive: string;
  readonly containerfile: string;
  readonly context: string;
  /** Files and folders that it is made of. */
  readonly sources: readonly string[];
  readonly buildArguments: Readonly<Record<string, string>>;
};

const root = new URL("../../", import.meta.url).pathname;

export async function programImage(): Promise<Image> {
  const { version } = JSON.parse(await Deno.readTextFile(`${root}deno.json`)) as { version: string };
  const revision = await attempt(["git", "-C", root, "rev-parse", "HEAD"]);
  const denoVersion = Deno.env.get("DENO_VERSION");
  return {
    name: "docker.io/library/pod-gateway:dev",
    archive: `${root}dist/pod-gateway.tar`,
    containerfile: `${root}Containerfile`,
    context: root,
    sources: ["Containerfile", ".dockerignore", "deno.json", "deno.lock", "main.ts", "mod"].map((path) => root + path),
    buildArguments: {
      VERSION: version,
      REVISION: revision.code === 0 ? revision.stdout.trim() : "unknown",
      ...(denoVersion === undefined ? {} : { DENO_VERSION: denoVersion }),
    },
  };
}

/** The VPN's both ends, "the internet", and an application. */
export const outsideImage: Image = {
  name: "docker.io/library/pod-gateway-outside:dev",
  archive: `${root}dist/pod-gateway-outside.tar`,
  containerfile: `${root}tests/e2e/outside/Containerfile`,
  context: `${root}tests/e2e/outside`,
  sources: [`${root}tests/e2e/outside`],
  buildArguments: {},
};

/** Whether the archive is as new as what it is made of. */
export async function isFresh(image: Image): Promise<boolean> {
  try {
    const made = (await Deno.stat(image.archive)).mtime!.getTime();
    const newest = Math.max(...await Promise.all(image.sources.map(newestChange)));
    return made >= newest;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function newestChange(path: string): Promise<number> {
  const info = await Deno.stat(path);
  let newest = info.mtime!.getTime();
  if (info.isDirectory) {
    for await (const entry of Deno.readDir(path)) {
      newest = Math.max(newest, await newestChange(`${path}/${entry.name}`));
    }
  }
  return newest;
}

/** Builds `image` and writes its archive. */
export async function build(image: Image): Promise<void> {
  const builder = await findBuilder();
  await Deno.mkdir(`${root}dist`, { recursive: true });
  const buildArguments = Object.entries(image.buildArguments).flatMap(([name, value]) => [
    "--build-arg",
    `${name}=${value}`,
  ]);
  const { name, archive } = image;
  const commands = {
    docker: { build: ["docker", "build"], save: ["docker", "save", "-o", archive, name] },
    podman: { build: ["podman", "build"], save: ["podman", "save", "--format", "docker-archive", "-o", archive, name] },
    buildah: {
      build: ["buildah", "build", "--layers"],
      save: ["buildah", "push", name, `docker-archive:${archive}:${name}`],
    },
  }[builder];
  await run([...commands.build, ...buildArguments, "-t", name, "-f", image.containerfile, image.context], {
    timeoutMs: 1_800_000,
  });
  // podman and buildah do not write over an older one
  await Deno.remove(archive).catch(() => {});
  await run(commands.save);
}

async function findBuilder(): Promise<"docker" | "podman" | "buildah"> {
  const wanted = Deno.env.get("PGW_IMAGE_BUILDER");
  for (const builder of ["docker", "podman", "buildah"] as const) {
    if (wanted !== undefined && wanted !== builder) continue;
    try {
      if ((await attempt([builder, builder === "docker" ? "version" : "--version"])).code === 0) return builder;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(`no ${wanted ?? "docker, podman or buildah"} that answers: install one to build images`);
}

/** The size of the archive and of what a registry would hold, in bytes. */
async function sizes(archive: string): Promise<{ plain: number; compressed: number }> {
  const plain = (await Deno.stat(archive)).size;
  const compressed = Number(await run(["sh", "-c", 'gzip -6 <"$1" | wc -c', "sh", archive]));
  return { plain, compressed };
}

if (import.meta.main) {
  const images = [await programImage(), ...(Deno.args.includes("--tests") ? [outsideImage] : [])];
  for (const image of images) {
    const start = Date.now();
    await build(image);
    const { plain, compressed } = await sizes(image.archive);
    const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
    console.log(
      `${image.archive.slice(root.length)}: ${image.name}, ${megabytes(plain)}, compressed ${megabytes(compressed)}, ` +
        `${((Date.now() - start) / 1000).toFixed(1)} s`,
    );
  }
}
