/**
 * Files out of Debian packages that are not to be installed, because they would change the machine (a resolver that takes
 * over /etc/resolv.conf) or bring too much along. They are taken out into `.cache/debian/`, and nothing is installed.
 */
import { isProgram, MissingToolsError, run } from "./tools.ts";

/** Package to what is taken out of it, as a pattern of tar. */
const packages: Readonly<Record<string, string>> = {
  prometheus: "./usr/bin/promtool",
  "systemd-resolved": "*/systemd/systemd-resolved",
  "musl-dev": "./usr/*",
};

const cache = new URL("../../.cache/debian/", import.meta.url).pathname;

/** The first file below what was taken out of `packageName` whose path ends with `end`. */
export function extracted(packageName: string, end: string): string {
  const found = filesBelow(`${cache}${packageName}`).find((path) => path.endsWith(end));
  if (found === undefined) throw new MissingToolsError(`${packageName} has no ${end}`);
  return found;
}

/** `promtool`, which checks metrics. */
export function promtool(): string {
  return isProgram("promtool") ? "promtool" : extracted("prometheus", "/promtool");
}

/** Gets what is not there. @throws {MissingToolsError} */
export async function ensureExtracted(): Promise<void> {
  const missing = Object.keys(packages).filter((name) => !isThere(`${cache}${name}`))
    .filter((name) => name !== "prometheus" || !isProgram("promtool"));
  if (missing.length === 0) return;
  if (!isProgram("apt-get")) throw new MissingToolsError(`missing Debian packages: ${missing.join(" ")}`);
  console.error(`getting what the tests need: apt-get download ${missing.join(" ")}`);
  if (Deno.uid() === 0) await run(["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "update"]);
  for (const name of missing) await extract(name);
}

async function extract(name: string): Promise<void> {
  await Deno.mkdir(cache, { recursive: true });
  const directory = await Deno.makeTempDir({ dir: cache });
  try {
    await Deno.mkdir(`${directory}/files`);
    await run(["apt-get", "-q", "download", name], directory);
    const unpack = `dpkg-deb --fsys-tarfile ${name}_*.deb | tar -x -C files --wildcards '${packages[name]}'`;
    await run(["sh", "-c", unpack], directory);
    await Deno.rename(`${directory}/files`, `${cache}${name}`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function filesBelow(directory: string): string[] {
  return [...Deno.readDirSync(directory)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(`${directory}/${name}`) : [`${directory}/${name}`]
  );
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
