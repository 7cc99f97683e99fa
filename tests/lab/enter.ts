/**
 * Runs a command inside the private namespaces that the lab needs, and nothing of which is left behind when it ends,
 * however it ends: network (without any link to the machine's own), mounts, processes, and, for an ordinary user, users.
 *
 * ```sh
 * deno run -A tests/lab/enter.ts deno test -A tests/lab
 * ```
 */
import { toolPath } from "./tools.ts";

/** On the namespaces' own /run: it is there exactly when this process is inside. */
export const labDirectory = "/run/pgw-lab";

/** True inside the namespaces. */
export function isInside(): boolean {
  try {
    return Deno.statSync(labDirectory).isDirectory;
  } catch {
    return false;
  }
}

/** `command` as it must be started to run inside the namespaces. The shell in it is their init and reaps orphans. */
export function entering(command: readonly string[]): readonly string[] {
  const asRoot = Deno.uid() === 0 ? [] : ["unshare", "--user", "--map-root-user", "--"];
  return [
    ...asRoot,
    ...["setpriv", "--pdeathsig", "KILL", "--"], // all ends with this process, also when it is killed
    ...["unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"],
    ...["sh", "-c", prepare, "sh", ...command],
  ];
}

const prepare = `
mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p ${labDirectory} /run/netns && ip link set lo up || exit 125
"$@"
exit $?
`;

/**
 * Runs `command` inside the namespaces with this process's input, output and environment; returns its exit code.
 *
 * Throws when the kernel does not let this user make namespaces.
 */
export async function runInside(command: readonly string[]): Promise<number> {
  await checkKernel();
  const [program = "", ...args] = entering(command);
  const child = new Deno.Command(program, { args, env: insideEnv() }).spawn();
  // unshare itself ignores SIGTERM; killing it kills everything inside (--kill-child).
  const end = () => child.kill("SIGKILL");
  Deno.addSignalListener("SIGTERM", end);
  try {
    return (await child.status).code;
  } finally {
    Deno.removeSignalListener("SIGTERM", end);
  }
}

/** For a program such as the demo: goes on in the same program inside the namespaces, unless it is there already. */
export async function enterOrContinue(module: string): Promise<void> {
  if (isInside()) return;
  Deno.exit(await runInside([Deno.execPath(), "run", "-A", "--cached-only", "--no-check", module, ...Deno.args]));
}

function insideEnv(): Record<string, string> {
  return { PATH: `${Deno.env.get("PATH") ?? ""}:${toolPath}` };
}

async function checkKernel(): Promise<void> {
  const [program = "", ...args] = entering(["true"]);
  const { code, stderr } = await new Deno.Command(program, { args, env: insideEnv(), stdin: "null" }).output();
  if (code === 0) return;
  throw new Error(
    "the kernel does not let this user make the lab's namespaces: run it as root, or allow user namespaces " +
      "(sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)\n" +
      new TextDecoder().decode(stderr),
  );
}

if (import.meta.main) Deno.exit(await runInside(Deno.args));
