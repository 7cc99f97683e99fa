/**
 * `promtool`, which checks metrics. Debian has it in the package of a whole monitoring server, with a daemon; so the one
 * program is taken out of the package into `.cache/`, and nothing is installed.
 */
import { isProgram, MissingToolsError, run } from "./tools.ts";

const extracted = new URL("../../.cache/promtool", import.meta.url).pathname;

/** Where it is, once {@link ensurePromtool} was there. */
export function promtool(): string {
  return isProgram("promtool") ? "promtool" : extracted;
}

/** Gets it, if it is not there. @throws {MissingToolsError} */
export async function ensurePromtool(): Promise<void> {
  if (isProgram("promtool") || isFile(extracted)) return;
  if (!isProgram("apt-get")) throw new MissingToolsError("missing program: install promtool, of Prometheus");
  console.error("getting what the tests need: apt-get download prometheus");
  const directory = await Deno.makeTempDir();
  try {
    if (Deno.uid() === 0) await run(["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "update"]);
    await run(["apt-get", "-q", "download", "prometheus"], directory);
    await run(["sh", "-c", "dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool"], directory);
    await Deno.mkdir(new URL(".", `file://${extracted}`), { recursive: true });
    await Deno.copyFile(`${directory}/usr/bin/promtool`, `${extracted}.new`);
    await Deno.rename(`${extracted}.new`, extracted);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
