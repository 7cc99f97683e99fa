/** A network and a mount namespace, in which programs run as in a container. */
import { Capture, type PacketFilter } from "./capture.ts";
import { Process, ProcessError } from "./process.ts";
import { toolPath } from "./tools.ts";

export type RunOptions = {
  readonly env?: Readonly<Record<string, string>>;
  /** The only capabilities the program has, such as `["net_admin"]`; absent: all that the lab has. */
  readonly capabilities?: readonly string[];
};

export type ExecOptions = RunOptions & {
  readonly timeoutMs?: number;
  readonly stdin?: string;
  /** False: return the result of a program that failed, instead of throwing. */
  readonly check?: boolean;
};

export type ExecResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

export class Namespace {
  /** What was started in it and not removed by killAll. */
  readonly processes: Process[] = [];
  /** True when something ran in it since this was last set to false. */
  isUsed = false;
  #pause: Process | undefined;

  /** @param name unique in this run of the lab, such as `l1-router` */
  constructor(readonly name: string) {}

  get path(): string {
    return `/run/netns/${this.name}`;
  }

  /** Makes both namespaces. `mounts` is a shell script that runs in them as the first thing. */
  async create(mounts = "true"): Promise<void> {
    await host(["ip", "netns", "add", this.name]);
    // As in a real Pod a process that only waits holds the namespaces. (The kernel refuses to bind a mount namespace to a
    // file when its number is below that of the lab's, and numbers are given out per processor.)
    const script = `ip link set lo up && mount -t sysfs sysfs /sys && ${mounts}\necho ready; exec sleep infinity`;
    const command = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script];
    this.#pause = new Process(
      `${this.name}: pause`,
      hostCommand(["nsenter", `--net=${this.path}`, "--", ...command], "null").spawn(),
    );
    await this.#pause.waitFor(/^ready$/);
  }

  /** Ends every program in it and removes it with all its interfaces. */
  async destroy(): Promise<void> {
    await this.killAll();
    await this.#pause?.stop("SIGKILL");
    await host(["ip", "netns", "delete", this.name]);
  }

  /** SIGKILL to every process in this network namespace, those that programs left behind included. */
  async killAll(): Promise<void> {
    const { stdout } = await host(["ip", "netns", "pids", this.name]);
    for (const pid of stdout.split("\n").filter(Boolean).map(Number)) {
      if (pid === this.#pause?.pid) continue;
      try {
        Deno.kill(pid, "SIGKILL");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error; // ended by itself
      }
    }
    await Promise.all(this.processes.map((process) => process.ended));
    this.processes.length = 0;
  }

  /** Starts a program. Its name in messages is the namespace's and its own. */
  spawn(command: readonly string[], options: RunOptions = {}): Process {
    this.isUsed = true;
    const child = this.#command(command, options, "null").spawn();
    const process = new Process(`${this.name}: ${command.join(" ")}`, child);
    this.processes.push(process);
    return process;
  }

  /** Runs a program to its end. Throws {@link ProcessError} when it fails (unless `check` is false) or takes too long. */
  async exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    this.isUsed = true;
    const { timeoutMs = 30_000, stdin, check = true } = options;
    const what = `${this.name}: ${command.join(" ")}`;
    return await finish(this.#command(command, options, stdin === undefined ? "null" : "piped").spawn(), {
      what,
      timeoutMs,
      stdin,
      check,
    });
  }

  /** Several `ip` commands in one go, a line each. */
  async ip(...commands: readonly string[]): Promise<void> {
    await this.exec(["ip", "-batch", "-"], { stdin: commands.join("\n") });
  }

  /** Several rules in one go, in the syntax of iptables-restore; the other rules stay. */
  async iptables(family: 4 | 6, text: string): Promise<void> {
    await this.exec([family === 4 ? "iptables-restore" : "ip6tables-restore", "--noflush"], { stdin: text });
  }

  /** Waits until the kernel has seen an interface's carrier: IPv6 does nothing there before. */
  async waitForLink(device: string): Promise<void> {
    const isUp = `[ "$(cat /sys/class/net/${device}/operstate)" = up ]`;
    await this.exec(["sh", "-c", `until ${isUp}; do sleep 0.01; done`]);
  }

  /** Sets kernel switches, as a kubelet would: also where the Pod sees /proc/sys read-only. */
  async sysctl(...settings: readonly string[]): Promise<void> {
    await host(["nsenter", `--net=${this.path}`, "--", "sysctl", "-qw", ...settings]);
  }

  /** Packets on one of its interfaces from now on. */
  capture(device: string, filter?: PacketFilter): Capture {
    return new Capture(this.path, device, filter);
  }

  /** Addresses, routes, rules, firewall and resolv.conf as text, for a person who looks for what went wrong. */
  async describe(): Promise<string> {
    const script = `ip -br addr; ip -d link show type vxlan; ip route show table all; ip -6 route; ip rule; ip neigh;
      iptables-save -c; ip6tables-save -c; cat /etc/resolv.conf`;
    const { stdout, stderr } = await this.exec(["sh", "-c", `set -x; ${script}`], { check: false });
    return `${stderr}\n${stdout}`;
  }

  #command(command: readonly string[], options: RunOptions, stdin: "null" | "piped"): Deno.Command {
    const enter = ["nsenter", `--net=${this.path}`, `--mount=/proc/${this.#pause?.pid}/ns/mnt`, "--"];
    // By env(1): a PATH for the program must not decide where the lab finds nsenter.
    const env = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`);
    return hostCommand([...enter, ...limited(options.capabilities), "env", ...env, ...command], stdin);
  }
}

/** Runs a program of the lab itself, outside of all Pods. */
export async function host(command: readonly string[]): Promise<ExecResult> {
  const child = hostCommand(command, "null").spawn();
  return await finish(child, { what: command.join(" "), timeoutMs: 30_000, stdin: undefined, check: true });
}

function hostCommand(command: readonly string[], stdin: "null" | "piped"): Deno.Command {
  const [program = "", ...args] = command;
  return new Deno.Command(program, {
    args,
    stdin,
    stdout: "piped",
    stderr: "piped",
    clearEnv: true,
    env: { PATH: toolPath, LC_ALL: "C.UTF-8" },
  });
}

/** root without `capabilities` in the bounding set cannot get them back by any exec. */
function limited(capabilities: RunOptions["capabilities"]): readonly string[] {
  if (capabilities === undefined) return [];
  const set = ["-all", ...capabilities.map((name) => `+${name}`)].join(",");
  return ["setpriv", `--bounding-set=${set}`, `--inh-caps=${set}`, "--"];
}

type Finish = {
  readonly what: string;
  readonly timeoutMs: number;
  readonly stdin: string | undefined;
  readonly check: boolean;
};

async function finish(child: Deno.ChildProcess, { what, timeoutMs, stdin, check }: Finish): Promise<ExecResult> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new ProcessError(`${what} did not end within ${timeoutMs} ms`));
    }, timeoutMs);
  });
  try {
    if (stdin !== undefined) await write(child.stdin, stdin);
    const { code, stdout, stderr } = await Promise.race([child.output(), tooLate]);
    const decoder = new TextDecoder();
    const result = { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    if (check && code !== 0) {
      throw new ProcessError(`${what} failed (code ${code}):\n${result.stdout}${result.stderr}${stdin ?? ""}`);
    }
    return result;
  } finally {
    clearTimeout(timer);
  }
}

async function write(stream: WritableStream<Uint8Array<ArrayBuffer>>, text: string): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error; // it ended without reading; its exit code tells why
  }
}
