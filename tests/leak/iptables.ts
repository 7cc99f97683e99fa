/** The two iptables that Debian has: a client is given the one or the other. */
import type { Pod } from "../lab/pod.ts";
import { toolPath } from "../lab/tools.ts";

export type Iptables = {
  readonly name: "nft" | "legacy";
  readonly capabilities: readonly string[];
  /** The environment of a client that uses it. */
  clientEnv(pod: Pod): Readonly<Record<string, string>>;
};

const programs = ["iptables-restore", "ip6tables-restore"];

function variant(name: Iptables["name"], capabilities: readonly string[]): Iptables {
  return {
    name,
    capabilities,
    clientEnv(pod) {
      const directory = `${pod.runDirectory}/${name}`;
      Deno.mkdirSync(directory, { recursive: true });
      for (const program of programs) link(`${directory}/${program}`, program.replace("-", `-${name}-`));
      // Who is root only in a user namespace cannot make the lock of iptables-legacy in /run.
      return { PATH: `/run/${name}:${toolPath}`, XTABLES_LOCKFILE: "/dev/null" };
    },
  };
}

function link(path: string, program: string): void {
  try {
    Deno.symlinkSync(`/usr/sbin/${program}`, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

export const nft = variant("nft", ["net_admin"]);
/** Which needs NET_RAW to open its socket. */
export const legacy = variant("legacy", ["net_admin", "net_raw"]);

/** Empties all tables of both families by hand, and removes all chains. */
export async function flush(pod: Pod, { name }: Iptables): Promise<void> {
  const commands = ["iptables", "ip6tables"].flatMap((family) =>
    ["filter", "mangle", ...(family === "iptables" ? ["nat"] : [])].flatMap((table) =>
      ["-F", "-X"].map((what) => `${family}-${name} -t ${table} ${what}`)
    )
  );
  await pod.exec(["sh", "-ec", commands.join("\n")]);
}
