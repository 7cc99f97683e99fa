/** A Pod: namespaces with an eth0, a resolv.conf of its own, and what tests want to ask of it. */
import type { Capture, PacketFilter } from "./capture.ts";
import { labDirectory } from "./enter.ts";
import { host, Namespace, type RunOptions } from "./namespace.ts";
import type { Process } from "./process.ts";
import { Prober } from "./prober.ts";
import { pgwCommand, pgwEnv } from "./program.ts";
import { type Cni, internet, type PodAddress, podAddress, podCommands, portCommands, resolvConf } from "./topology.ts";

export type PodPlace = {
  readonly lab: string;
  readonly name: string;
  /** Last byte of its addresses. */
  readonly host: number;
  readonly cni: Cni;
  readonly mtu: number;
  readonly router: Namespace;
};

/** NET_ADMIN alone for a client; what an unprivileged container with NET_ADMIN added has for a gateway. */
export const roleCapabilities = {
  client: ["net_admin"],
  gateway: ["net_admin", "net_raw", "net_bind_service"],
} as const;

export class Pod extends Namespace {
  readonly address: PodAddress;
  readonly place: PodPlace;

  constructor(place: PodPlace) {
    super(`${place.lab}-${place.name}`);
    this.place = place;
    this.address = podAddress(place.host);
  }

  /** The router's end of this Pod's veth pair. */
  get port(): string {
    return this.place.name;
  }

  /** A new Pod at the old address: nothing that ran or was set up in it before is left. */
  async restart(): Promise<void> {
    await this.destroy();
    await this.create();
  }

  override async create(): Promise<void> {
    const { cni, mtu, router } = this.place;
    await Deno.mkdir(this.runDirectory, { recursive: true });
    this.setResolvConf(resolvConf);
    await super.create(podMounts(this.runDirectory));
    await this.sysctl(
      "net.ipv6.conf.default.accept_dad=0",
      "net.ipv6.conf.default.accept_ra=0",
      // As container runtimes have it: everyone may ping. (In a user namespace there is no other group.)
      "net.ipv4.ping_group_range=0 0",
      "net.ipv4.conf.default.arp_notify=1",
      "net.ipv6.conf.default.ndisc_notify=1",
    );
    const veth = ["ip", "link", "add", "eth0", "netns", this.name, "type", "veth", "peer", "name", this.port];
    await host([...veth, "netns", router.name]);
    await router.ip(...portCommands(cni, this.port, this.address, mtu));
    await this.ip(...podCommands(cni, this.address, mtu));
    await Promise.all([this.waitForLink("eth0"), router.waitForLink(this.port)]);
    await this.#announce();
  }

  /** As CNI plugins do: its neighbours learn that its address has a new MAC. Setting the MAC (the same one) makes the kernel say so. */
  async #announce(): Promise<void> {
    const { stdout } = await this.exec(["cat", "/sys/class/net/eth0/address"]);
    await this.ip(`link set eth0 address ${stdout.trim()}`);
  }

  override async destroy(): Promise<void> {
    await this.place.router.ip(`link delete ${this.port}`); // at once; a namespace's own end takes its time
    await super.destroy();
    await Deno.remove(this.runDirectory, { recursive: true });
  }

  /** The Pod's resolv.conf as it is now. */
  resolvConf(): string {
    return Deno.readTextFileSync(`${this.runDirectory}/resolv.conf`);
  }

  /** Writes in place, as it is a bind mount for the Pod. */
  setResolvConf(text: string): void {
    Deno.writeTextFileSync(`${this.runDirectory}/resolv.conf`, text);
  }

  /**
   * Starts the program under test, from source or the file that PGW_BIN names, with the capabilities that its container
   * has, and at log level debug unless `env` says otherwise. `isTimed`: it first tells when it is executed
   * ({@link executedAt}), without what the lab does to put it into its Pod.
   */
  pgw(args: readonly string[], { isTimed, ...options }: RunOptions & { isTimed?: boolean } = {}): Process {
    const command = [...pgwCommand(), ...args];
    return this.spawn(isTimed ? ["bash", "-c", timed, "bash", ...command] : command, {
      capabilities: args[0] === "gateway" ? roleCapabilities.gateway : roleCapabilities.client,
      ...options,
      env: { ...pgwEnv(), PGW_LOG_LEVEL: "debug", PGW_STATE_DIR: "/run/pgw", ...options.env },
    });
  }

  /** An app's HTTP request; the address that the web server saw, or undefined when there was no answer. */
  async fetchSourceAddress(url = `http://${internet.web.v4}/`, timeoutMs = 2_000): Promise<string | undefined> {
    const seconds = String(timeoutMs / 1_000);
    const { code, stdout } = await this.exec(["curl", "-gsSf", "--max-time", seconds, url], {
      check: false,
      timeoutMs: timeoutMs + 5_000,
    });
    return code === 0 ? stdout.trim() : undefined;
  }

  /** Asks until the web server answers with `expected`. Throws after `timeoutMs`. */
  async waitForSourceAddress(expected: string, url?: string, timeoutMs = 30_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    let seen: string | undefined;
    while (performance.now() < deadline) {
      seen = await this.fetchSourceAddress(url, 1_000);
      if (seen === expected) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${this.name}: ${expected} was not seen within ${timeoutMs} ms; the last answer: ${seen}`);
  }

  /** An app's name lookup, by the Pod's resolv.conf: the addresses, none when it failed. */
  async resolve(name: string, type: "A" | "AAAA" = "A"): Promise<readonly string[]> {
    const { stdout } = await this.exec(["dig", "+search", "+short", "+tries=1", "+time=2", name, type], {
      check: false,
    });
    return stdout.split("\n").filter((line) => line !== "" && !line.startsWith(";"));
  }

  /** What leaves the Pod by its eth0, seen from the router's end. */
  captureUplink(filter: PacketFilter = () => true): Capture {
    return this.place.router.capture(this.port, (packet) => packet.direction === "in" && filter(packet));
  }

  /** Starts an app that sends all kinds of marked packets around and to the internet. */
  async probe(options: { readonly intervalMs?: number } = {}): Promise<Prober> {
    return await Prober.start(this, options.intervalMs ?? 10);
  }

  /** Pulls the cable (or puts it back) at the router's end. */
  async setCable(state: "up" | "down"): Promise<void> {
    const { cni, mtu, router } = this.place;
    await router.ip(
      ...(state === "down" ? [`link set ${this.port} down`] : portCommands(cni, this.port, this.address, mtu)),
    );
  }

  /** Drops all that goes `in` to the Pod or `out` of it, one direction alone, until it is made whole again. */
  async setDirection(direction: "in" | "out", state: "cut" | "whole"): Promise<void> {
    const [namespace, device] = direction === "in" ? [this.place.router, this.port] : [this, "eth0"];
    // A token bucket drops each packet that it could never hold.
    const bucket = ["tbf", "rate", "8kbit", "burst", "10", "limit", "10"];
    await namespace.exec(["tc", "qdisc", state === "cut" ? "add" : "delete", "dev", device, "root", ...bucket]);
  }

  /** The Pod's /run, as the lab sees it: all its programs share it. */
  get runDirectory(): string {
    return `${labDirectory}/${this.name}.run`;
  }
}

const timed = 'echo "{\\"executedAt\\":$EPOCHREALTIME}"; exec "$@"';

/** When a program that is timed was executed, in milliseconds since 1970. */
export async function executedAt(process: Process): Promise<number> {
  const record = await process.waitForLog((record) => "executedAt" in record);
  return Number(record.executedAt) * 1_000;
}

/** As in a container: its own /run, /etc/resolv.conf a bind mount of a plain file, /proc/sys read-only. */
function podMounts(run: string): string {
  // Where /etc/resolv.conf is a link into /run, what it names must be there.
  const target = '"$(readlink -m /etc/resolv.conf)"';
  return `
    mount --bind ${run} /run
    [ -e ${target} ] || { mkdir -p "$(dirname ${target})" && touch ${target}; }
    mount --bind /run/resolv.conf /etc/resolv.conf
    mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys`;
}
