/** A cluster in which things break: two clients, two gateways, somebody who starts again what ended, and an app. */
import { startEcho, Stream } from "../bench/stream.ts";
import type { GatewayPod } from "../lab/gateway_pod.ts";
import { from, Lab, names, outsideTunnel } from "../lab/lab.ts";
import type { Capture } from "../lab/capture.ts";
import type { Packet } from "../lab/packet.ts";
import type { Pod } from "../lab/pod.ts";
import { assertSeesProbes, probeNumber, type Prober, totalTried } from "../lab/prober.ts";
import type { Process } from "../lab/process.ts";
import { scriptCommand } from "../lab/program.ts";
import { eventually, sleep } from "../lab/roles.ts";
import { internet } from "../lab/topology.ts";

/** Where a gateway keeps its leases: a disk of its own, and a small one. */
export const stateDirectory = "/state";
const stateSize = "256k";
const settleMs = 60_000;

type Env = Readonly<Record<string, string>>;

export class World {
  readonly #running = new Map<Pod, Process>();
  readonly #addresses = new Map<Pod, string>();
  readonly #captures: readonly Capture[];
  #prober: Prober | undefined;

  private constructor(readonly lab: Lab) {
    const { clients, gateways } = this;
    this.#captures = [
      ...clients.map((client) => client.captureUplink((packet) => outsideTunnel(packet) || isDnsProbe(packet))),
      lab.captureDirect(from(...clients, ...gateways)),
    ];
  }

  /** Everything runs and is open. The first thing that happened was the positive control. */
  static async create(): Promise<World> {
    const lab = await Lab.create({ cni: "ptp" }); // all that goes from Pod to Pod passes the router
    {
      using uplink = lab.stranger.captureUplink(outsideTunnel);
      using direct = lab.captureDirect(from(lab.stranger));
      await assertSeesProbes(uplink, lab.stranger);
      await assertSeesProbes(direct, lab.stranger);
    }
    await startEcho(lab.internet);
    await lab.setEndpoints([]);
    const world = new World(lab);
    await Promise.all(world.gateways.map(async (gateway) => {
      gateway.setResolvConf(`nameserver ${internet.dns.v4}\n`);
      await gateway.exec([
        "sh",
        "-c",
        `mkdir -p ${stateDirectory} && mount -t tmpfs -o size=${stateSize} t ${stateDirectory}`,
      ]);
    }));
    await world.#followReadiness();
    world.start(...world.gateways, ...world.clients);
    await world.settle();
    world.#prober = await world.app.probe({ intervalMs: 20 });
    for (const client of world.clients) world.#addresses.set(client, (await world.overlayAddress(client))!);
    await world.leaks();
    return world;
  }

  get clients(): readonly Pod[] {
    return [this.lab.client(0), this.lab.client(1)];
  }

  get gateways(): readonly GatewayPod[] {
    return [this.lab.gateway(0), this.lab.gateway(1)];
  }

  /** The Pod whose application is watched. */
  get app(): Pod {
    return this.lab.client(0);
  }

  process(pod: Pod): Process {
    return this.#running.get(pod)!;
  }

  /** Starts pgw in Pods where it does not run. */
  start(...pods: readonly Pod[]): void {
    for (const pod of pods) this.startWith(pod, {});
  }

  startWith(pod: Pod, env: Env): void {
    if (this.#running.get(pod) !== undefined && this.#running.get(pod)!.status === undefined) return;
    const isGateway = this.gateways.some((gateway) => gateway === pod);
    const common = { PGW_LOG_LEVEL: "info", ...env };
    const process = isGateway
      ? pod.pgw(["gateway", "run"], {
        env: {
          PGW_VPN_INTERFACE: "vpn0",
          PGW_HEALTH_INTERVAL: "0.5",
          PGW_HEALTH_TARGETS: `icmp://${internet.web.v4}`,
          PGW_CLUSTER_NAMESERVERS: "10.43.0.10",
          ...common,
          PGW_STATE_DIR: stateDirectory,
        },
      })
      : pod.pgw(["client", "run", names.gateway], { env: { PGW_CLIENT_PING_INTERVAL: "0.3", ...common } });
    this.#running.set(pod, process);
  }

  /** The gateway that the app's packets leave by; the first one while they do not. */
  async active(): Promise<GatewayPod> {
    const source = await this.app.fetchSourceAddress(undefined, 1_000);
    return this.gateways.find(({ vpnAddress }) => vpnAddress.v4 === source) ?? this.gateways[0]!;
  }

  /** Starts what ended; until the app reaches the internet through a gateway again, and the other client is open. */
  async settle(): Promise<void> {
    this.start(...this.gateways, ...this.clients);
    await eventually("the app is served", async () => {
      const source = await this.app.fetchSourceAddress(undefined, 500);
      return this.gateways.some(({ vpnAddress }) => vpnAddress.v4 === source);
    }, settleMs);
    await Promise.all([...this.gateways, ...this.clients].map((pod) =>
      eventually(`${pod.name} is ready`, async () => {
        const { code } = await pod.exec(["curl", "-gsf", "-m", "1", "http://127.0.0.1:3150/readyz"], { check: false });
        return code === 0;
      }, settleMs)
    ));
  }

  /** A stream of the app's, which has had its first answer. */
  async stream(): Promise<Stream> {
    const stream = await Stream.start(this.app, 5);
    await stream.process.waitForLog((record) => "first" in record, { timeoutMs: settleMs });
    return stream;
  }

  /** What was seen outside of the tunnel since the last call. */
  async leaks(): Promise<readonly Packet[]> {
    await sleep(50); // what is on its way arrives
    return this.#captures.flatMap((capture) => capture.take());
  }

  /** Leases that changed although nothing asked for it, and addresses that two clients have, since the last call. */
  async leaseFaults(): Promise<{ readonly lost: number; readonly doubled: number }> {
    let lost = 0;
    for (const client of this.clients) {
      // A client that moves to another gateway right now has its address back in a moment.
      const address = await eventually("an address", () => this.overlayAddress(client));
      if (address !== this.#addresses.get(client)) lost++;
      this.#addresses.set(client, address);
    }
    const perGateway = await Promise.all(this.gateways.map(async (gateway) => {
      const { stdout } = await gateway.exec(["curl", "-gsSf", "http://127.0.0.1:3150/v1/leases"]);
      const { leases } = JSON.parse(stdout) as { leases: { address: string; mac: string; state: string }[] };
      const bound = leases.filter(({ state }) => state === "bound");
      const addresses = new Set(bound.map(({ address }) => address));
      const owners = new Set(bound.map(({ mac }) => mac));
      return bound.length - Math.min(addresses.size, owners.size);
    }));
    return { lost, doubled: perGateway.reduce((sum, count) => sum + count, 0) };
  }

  async overlayAddress(client: Pod): Promise<string | undefined> {
    const { stdout } = await client.exec(["ip", "-4", "-br", "addr", "show", "vxlan3150"], { check: false });
    return / (172\.29\.0\.\d+)\//.exec(stdout)?.[1];
  }

  /** How many packets the app has sent. */
  async close(): Promise<number> {
    const sent = this.#prober === undefined ? 0 : totalTried(await this.#prober.stop());
    for (const capture of this.#captures) capture[Symbol.dispose]();
    await this.lab[Symbol.asyncDispose]();
    return sent;
  }

  /** The Service names the gateways that are ready. */
  async #followReadiness(): Promise<void> {
    const hosts = this.gateways.map(({ address }) => address.v4);
    const controller = this.lab.router.spawn(scriptCommand("../chaos/readiness_main.ts", "3150", ...hosts));
    await controller.waitFor(/ready/);
    (async () => {
      for (let seen = 0; controller.status === undefined;) {
        const line = await controller.waitForLog((record) => "ready" in record, { from: seen, timeoutMs: 2 ** 30 });
        seen = controller.lines.findIndex(({ json }) => json === line) + 1;
        await this.lab.setEndpoints(line.ready as (0 | 1)[]);
      }
    })().catch(() => {}); // it ends with the lab
  }
}

/** A question of the app's to the cluster's nameserver, which is to be led into the tunnel. */
function isDnsProbe(packet: Packet): boolean {
  return packet.destinationPort === 53 && packet.destination.startsWith("10.") && probeNumber(packet) !== undefined;
}
