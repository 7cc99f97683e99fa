/**
 * The programs that the lab and the interop tests run, and where Debian and Ubuntu keep them.
 *
 * As root what is missing is installed by apt-get, after saying so in one line; else the exact command is printed.
 */

/** Program (or its path, where it is no command) to Debian package. */
const packages: Readonly<Record<string, string>> = {
  unshare: "util-linux",
  setpriv: "util-linux",
  ip: "iproute2",
  tc: "iproute2",
  iptables: "iptables",
  sysctl: "procps",
  ping: "iputils-ping",
  curl: "curl",
  dig: "bind9-dnsutils",
  dnsmasq: "dnsmasq-base",
  dhclient: "isc-dhcp-client",
  udhcpc: "udhcpc",
  dhcpcd: "dhcpcd-base",
  "/lib/systemd/systemd-networkd": "systemd",
  "kea-dhcp4": "kea-dhcp4-server",
  perfdhcp: "kea-admin",
  dhcpd: "isc-dhcp-server",
  udhcpd: "udhcpd",
  unbound: "unbound",
  iperf3: "iperf3",
  dnsperf: "dnsperf",
  strace: "strace",
  faketime: "faketime",
  wg: "wireguard-tools",
  "wireguard-go": "wireguard-go",
  kdig: "knot-dnsutils",
  delv: "bind9-dnsutils",
  busybox: "busybox",
  nsd: "nsd",
  knotd: "knot",
  kresd: "knot-resolver",
  tcc: "tcc",
};

/** Debian packages of libraries. */
const libraries: readonly string[] = ["libc-ares-dev"];

/** Debian keeps half of these where an ordinary user's PATH does not look. */
export const toolPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A program that the tests need is missing and could not be installed; the message holds the command to run. */
export class MissingToolsError extends Error {
  override name = "MissingToolsError";
}

/** Makes sure that the programs are there, and `more`; else tells what to run, and ends this process. */
export async function ensureTools(...more: readonly (() => Promise<void>)[]): Promise<void> {
  try {
    await installMissing();
    for (const ensure of more) await ensure();
  } catch (error) {
    if (!(error instanceof MissingToolsError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}

async function installMissing(): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const install = `apt-get install -y --no-install-recommends ${missing.join(" ")}`;
  if (Deno.uid() !== 0 || !isProgram("apt-get")) {
    throw new MissingToolsError(`missing programs; run: sudo apt-get update && sudo ${install}`);
  }
  console.error(`installing what the tests need: ${install}`);
  await aptGet(["update"]);
  await withoutStartingDaemons(() => aptGet(install.split(" ").slice(1)));
  const still = missingPackages();
  if (still.length > 0) {
    throw new MissingToolsError(`apt-get installed them, but these are missing: ${still.join(" ")}`);
  }
}

function missingPackages(): string[] {
  const missing = Object.keys(packages).filter((program) => !isProgram(program));
  return [
    ...new Set(missing.map((program) => packages[program] as string)),
    ...libraries.filter((one) => !isInstalled(one)),
  ];
}

function isInstalled(library: string): boolean {
  const architecture = Deno.build.arch === "x86_64" ? "amd64" : "arm64";
  return [library, `${library}:${architecture}`].some((name) => isFile(`/var/lib/dpkg/info/${name}.list`));
}

export function isProgram(name: string): boolean {
  return name.startsWith("/") ? isFile(name) : toolPath.split(":").some((directory) => isFile(`${directory}/${name}`));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

async function aptGet(args: string[]): Promise<void> {
  await run(["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", ...args]);
}

/** Runs one of the programs that get others. @throws {MissingToolsError} when it fails */
export async function run([program = "", ...args]: readonly string[], cwd = "/"): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
  }).output();
  if (code === 0) return;
  const decoder = new TextDecoder();
  const what = [program, ...args].join(" ");
  throw new MissingToolsError(`${what} failed:\n${decoder.decode(stdout)}${decoder.decode(stderr)}`);
}

/** Debian starts a daemon (unbound) when it is installed unless policy-rc.d says no. */
async function withoutStartingDaemons(install: () => Promise<void>): Promise<void> {
  const policy = "/usr/sbin/policy-rc.d";
  const mine = await writeNew(policy, "#!/bin/sh\nexit 101\n");
  try {
    await install();
  } finally {
    if (mine) await Deno.remove(policy);
  }
}

/** False when the file is there already: someone else's policy holds. */
async function writeNew(path: string, text: string): Promise<boolean> {
  try {
    await Deno.writeTextFile(path, text, { createNew: true, mode: 0o755 });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}
