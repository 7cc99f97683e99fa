/** Two namespaces joined by a VXLAN: a DHCP server in one, whoever asks it in the other. */
import { host, Namespace } from "../../lab/namespace.ts";
import type { Process } from "../../lab/process.ts";
import { pgwCommand, pgwEnv } from "../../lab/program.ts";
import { eventually } from "../../lab/roles.ts";

/** Of the overlay: the server, and the relay that perfdhcp speaks as. */
export const overlay = { network: "172.29.0.0/16", server: "172.29.0.1", relay: "172.29.0.9", device: "vxlan3150" };
const underlay = { server: "10.42.0.10", load: "10.42.0.1" };
const vxlan = (local: string, remote: string, device: string) =>
  `link add ${overlay.device} type vxlan id 3150 dstport 4789 local ${local} remote ${remote} dev ${device}`;

export type PeerName = "pgw" | "kea";

export class DhcpWorld {
  readonly server = new Namespace("dhcp-server");
  readonly load = new Namespace("dhcp-load");
  /** Where servers keep their leases: a real disk, unlike the lab's /run. */
  readonly directory = Deno.makeTempDirSync();

  static async create(): Promise<DhcpWorld> {
    const world = new DhcpWorld();
    const { server, load } = world;
    await Promise.all([server.create(), load.create()]);
    await host(
      ["ip", "link", "add", "eth0", "netns", server.name, "type", "veth", "peer", "name", "far", "netns", load.name],
    );
    await load.ip(
      `addr add ${underlay.load}/24 dev far`,
      "link set far up",
      vxlan(underlay.load, underlay.server, "far"),
      `addr add ${overlay.relay}/16 dev ${overlay.device}`,
      `link set ${overlay.device} up`,
    );
    await server.ip(
      `addr add ${underlay.server}/24 dev eth0`,
      "link set eth0 up",
      `route add default via ${underlay.load}`,
    );
    return world;
  }

  /** Starts a server without any lease, or ours with those of a journal. */
  async start(name: PeerName, journal?: Uint8Array): Promise<Process> {
    await this.prepare(journal);
    if (name === "pgw") {
      const { process } = this.spawnPgw();
      await this.untilReady();
      return process;
    }
    await this.server.ip(
      vxlan(underlay.server, underlay.load, "eth0"),
      `addr add ${overlay.server}/16 dev ${overlay.device}`,
      `link set ${overlay.device} up`,
    );
    const process = this.server.spawn(await this.#kea());
    await process.waitFor(/DHCP4_STARTED/);
    return process;
  }

  /** The next server will find `journal`, or no leases at all. */
  async prepare(journal?: Uint8Array): Promise<void> {
    for await (const { name } of Deno.readDir(this.directory)) {
      await Deno.remove(`${this.directory}/${name}`, { recursive: true });
    }
    if (journal === undefined) return;
    await Deno.mkdir(`${this.directory}/pgw`);
    await Deno.writeFile(`${this.directory}/pgw/leases.jsonl`, journal);
  }

  /** Starts ours and does not wait. `startedAt`: milliseconds since 1970. */
  spawnPgw(): { readonly process: Process; readonly startedAt: number } {
    const startedAt = performance.timeOrigin + performance.now();
    const process = this.server.spawn([...pgwCommand(), "gateway", "run"], {
      env: {
        ...pgwEnv(),
        PGW_LOG_LEVEL: "error",
        PGW_STATE_DIR: `${this.directory}/pgw`,
        PGW_VXLAN_IP_NETWORK: overlay.network,
        PGW_DHCP_LEASE_TIME: "3600",
      },
    });
    return { process, startedAt };
  }

  /** Until ours serves. */
  async untilReady(): Promise<void> {
    const ready = ["curl", "-sf", "-o", "/dev/null", "http://127.0.0.1:3150/readyz"];
    await eventually("ready", async () => (await this.server.exec(ready, { check: false })).code === 0, 30_000);
  }

  /** Ends a server as a power cut would, and takes away what it was reached by. */
  async stop(process: Process): Promise<void> {
    await process.stop("SIGKILL");
    await this.server.exec(["ip", "link", "delete", overlay.device], { check: false });
    await this.load.exec(["ip", "neigh", "flush", "nud", "all", "dev", overlay.device]);
  }

  async destroy(): Promise<void> {
    await Promise.all([this.server.destroy(), this.load.destroy()]);
    await Deno.remove(this.directory, { recursive: true });
  }

  /** Leases in a file, each written before its answer (memfile with `persist`), as Debian's own example has it. */
  async #kea(): Promise<readonly string[]> {
    const path = `${this.directory}/kea.json`;
    const lines = `${this.directory}/kea-leases.csv`;
    await Deno.writeTextFile(
      path,
      JSON.stringify({
        Dhcp4: {
          "interfaces-config": { interfaces: [overlay.device], "dhcp-socket-type": "udp" },
          "lease-database": { type: "memfile", persist: true, name: lines },
          ...(Deno.env.get("KEA_MT")
            ? { "multi-threading": { "enable-multi-threading": true, "thread-pool-size": 2, "packet-queue-size": 64 } }
            : {}),
          "valid-lifetime": 3600,
          subnet4: [{ subnet: overlay.network, pools: [{ pool: "172.29.0.20 - 172.29.255.254" }] }],
          loggers: [
            { name: "kea-dhcp4", severity: "INFO", output_options: [{ output: "stdout" }] },
            // A line for each lease would be a third of its work.
            { name: "kea-dhcp4.leases", severity: "WARN" },
          ],
        },
      }),
    );
    return ["env", `KEA_LOCKFILE_DIR=${this.directory}`, `KEA_PIDFILE_DIR=${this.directory}`, "kea-dhcp4", "-c", path];
  }
}
