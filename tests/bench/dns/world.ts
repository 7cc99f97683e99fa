/** A server and whoever asks it, on a veth pair in namespaces of their own, with an upstream beside the server. */
import { host, Namespace } from "../../lab/namespace.ts";
import type { Process } from "../../lab/process.ts";

export const address = { server: "198.51.100.1", upstream: "198.51.100.2", silent: "198.51.100.4" } as const;
/** Set by whoever compiled it before the lab was entered. */
export const peerVariable = "PGW_BENCH_DNS_PEER";

export type PeerName = "pgw" | "dnsmasq" | "unbound" | "echo";
export type CacheSize = "none" | "large";

const ticksPerSecond = 100;
const largeCache = 32 << 20;
const smallCache = 4096;

export class DnsWorld {
  readonly server = new Namespace("dns-server");
  readonly client = new Namespace("dns-client");
  readonly directory = Deno.makeTempDirSync();
  #upstream: Process | undefined;

  static async create(): Promise<DnsWorld> {
    const world = new DnsWorld();
    const { server, client } = world;
    await Promise.all([server.create(), client.create()]);
    const veth = ["type", "veth", "peer", "name", "veth-client", "netns", client.name];
    await host(["ip", "link", "add", "veth-server", "netns", server.name, ...veth]);
    await server.ip(
      ...Object.values(address).map((one) => `addr add ${one}/24 dev veth-server`),
      "link set veth-server up",
    );
    await client.ip("addr add 198.51.100.3/24 dev veth-client", "link set veth-client up");
    await world.startUpstream();
    return world;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.server.destroy(), this.client.destroy()]);
    await Deno.remove(this.directory, { recursive: true });
  }

  async startUpstream(): Promise<void> {
    const answers = ["example.com", "cluster.local"].map((zone) => `--address=/${zone}/203.0.113.80`);
    this.#upstream = await this.#start(
      [...dnsmasq(address.upstream), ...answers, "--local-ttl=3600"],
      address.upstream,
    );
  }

  async stopUpstream(): Promise<void> {
    await this.#upstream?.stop("SIGKILL");
  }

  async start(name: PeerName, cache: CacheSize, outside: string = address.upstream): Promise<Process> {
    return await this.#start(this.#command(name, cache, outside), address.server);
  }

  /** Writes names to a file for dnsperf, one question each; returns its path. */
  questions(file: string, names: readonly string[]): string {
    const path = `${this.directory}/${file}`;
    Deno.writeTextFileSync(path, names.map((name) => `${name} A\n`).join(""));
    return path;
  }

  #command(name: PeerName, cache: CacheSize, outside: string): readonly string[] {
    const isCaching = cache === "large";
    switch (name) {
      case "pgw":
        return [Deno.env.get(peerVariable)!, "forwarder", address.server, outside, address.upstream]
          .concat(String(isCaching ? largeCache : smallCache));
      case "echo":
        return [Deno.env.get(peerVariable)!, "echo", address.server];
      case "dnsmasq":
        return [
          ...dnsmasq(address.server),
          `--server=${outside}`,
          `--server=/cluster.local/${address.upstream}`,
          `--cache-size=${isCaching ? 200_000 : 0}`,
        ];
      case "unbound": {
        const path = `${this.directory}/unbound.conf`;
        Deno.writeTextFileSync(path, unboundConfig(isCaching, outside));
        return ["unbound", "-d", "-c", path];
      }
    }
  }

  async #start(command: readonly string[], at: string): Promise<Process> {
    const process = this.server.spawn(command);
    for (let attempt = 0; attempt < 100; attempt++) {
      const ask = ["dig", `@${at}`, "+time=1", "+tries=1", "ready.cluster.local"];
      const { stdout } = await this.client.exec(ask, { check: false });
      if (stdout.includes("flags: qr")) return process;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${command[0]} does not answer:\n${process.output}`);
  }
}

/** Seconds of processor time that a process has used, kernel included. */
export function cpuSeconds({ pid, name, status, output }: Process): number {
  if (status !== undefined) throw new Error(`${name} has ended:\n${output}`);
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** 10^6 bytes of a process that are nobody else's. */
export function anonymousMegabytes({ pid }: Process): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  return Number(/^Anonymous: +(\d+) kB$/m.exec(text)?.[1]) * 1_024 / 1e6;
}

function dnsmasq(listen: string): string[] {
  const options = "--keep-in-foreground --user=root --group= --conf-file=/dev/null --pid-file= --no-resolv --no-hosts";
  return [
    "dnsmasq",
    ...options.split(" "),
    "--bind-interfaces",
    "--dns-forward-max=2000",
    `--listen-address=${listen}`,
  ];
}

const unboundConfig = (isCaching: boolean, outside: string) =>
  `server:
  interface: ${address.server}
  access-control: 0.0.0.0/0 allow
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  num-threads: 1
  module-config: "iterator"
  msg-cache-size: ${isCaching ? "64m" : "0"}
  rrset-cache-size: ${isCaching ? "64m" : "0"}
  outgoing-range: 4096
  num-queries-per-thread: 2048
forward-zone:
  name: "."
  forward-addr: ${outside}
forward-zone:
  name: "cluster.local"
  forward-addr: ${address.upstream}
remote-control:
  control-enable: no
`;
