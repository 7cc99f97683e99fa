/** A machine with systemd and without Kubernetes: a container of kind's node image, with `pgw` and its units installed. */

import { attempt, run } from "./command.ts";
import type { Cluster } from "./cluster.ts";
import type { Internet } from "./internet.ts";
import { programImage } from "./image.ts";
import { eventually } from "./wait.ts";

const units = new URL("../../deploy/bare/", import.meta.url).pathname;

export class Machine {
  private constructor(private readonly container: string, readonly address: string) {}

  /** Boots it beside the cluster's nodes; its way out is the internet's container. */
  static async boot(cluster: Cluster, internet: Internet, name: string): Promise<Machine> {
    const container = `${cluster.name}-${name}`;
    await attempt(["docker", "rm", "-f", "-v", container]);
    const image = (await run(["docker", "inspect", "-f", "{{.Config.Image}}", cluster.nodes[0]])).trim();
    const unconfined = [
      "--privileged",
      "--security-opt",
      "seccomp=unconfined",
      "--security-opt",
      "apparmor=unconfined",
    ];
    const mounts = ["--cgroupns", "private", "--tmpfs", "/tmp", "--tmpfs", "/run", "--volume", "/var"];
    const command = ["docker", "run", "-d", "--name", container, "--hostname", name, "--network", "kind"];
    await run([...command, ...unconfined, ...mounts, image]);
    const address = await run(["docker", "inspect", "-f", "{{.NetworkSettings.Networks.kind.IPAddress}}", container]);
    const machine = new Machine(container, address.trim());
    await eventually("systemd is up", 30_000, () => machine.run("systemctl", "is-system-running", "--wait"));
    await machine.install();
    await machine.run("ip", "route", "replace", "default", "via", internet.address);
    return machine;
  }

  /** As the comments in the units say. */
  private async install(): Promise<void> {
    const { name, archive } = await programImage();
    await run(["docker", "load", "-i", archive]);
    const source = (await run(["docker", "create", name])).trim();
    const file = await Deno.makeTempFile();
    try {
      await run(["docker", "cp", `${source}:/usr/local/bin/pgw`, file]);
      await run(["docker", "cp", file, `${this.container}:/usr/local/bin/pgw`]);
    } finally {
      await Deno.remove(file);
      await run(["docker", "rm", source]);
    }
    await run(["docker", "cp", `${units}.`, `${this.container}:/etc/systemd/system/`]);
    await this.run("systemctl", "daemon-reload");
  }

  /** Standard output of `command`, run as root there. */
  run(...command: string[]): Promise<string> {
    return run(["docker", "exec", this.container, ...command]);
  }

  async writeFile(path: string, text: string): Promise<void> {
    await run(["docker", "exec", "-i", this.container, "sh", "-c", 'mkdir -p "${1%/*}" && cat >"$1"', "sh", path], {
      stdin: text,
    });
  }

  async remove(): Promise<void> {
    await run(["docker", "rm", "-f", "-v", this.container]);
  }
}
