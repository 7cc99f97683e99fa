/**
 * A small cluster in network namespaces, without any link to the machine's own network, for tests that use the program as
 * a user does: processes, arguments, environment. `topology.ts` draws it.
 *
 * ```ts
 * import { labTests } from "../lab/test.ts";
 * const labTest = labTests({ cni: "bridge" });                  // one lab for the file's tests
 *
 * labTest("an app's traffic leaves through the VPN", async (lab) => {
 *   const [client, gateway] = [lab.client(0), lab.gateway(0)];  // fresh Pods in each test
 *   using leaks = client.captureUplink(outsideTunnel);
 *   await assertSeesProbes(lab.stranger.captureUplink(), lab.stranger);
 *
 *   gateway.pgw(["gateway", "run"]);
 *   const pgw = client.pgw(["client", "run", names.gateway], { env: { PGW_CLIENT_PING_INTERVAL: "0.3" } });
 *   await pgw.waitForLog(({ message }) => message === "...");   // also: waitFor(/text/), logs, output, status, stop()
 *   await client.waitForSourceAddress(gateway.vpnAddress.v4);
 *   pgw.kill("SIGKILL");
 *   leaks.assertNone();
 * });
 * ```
 *
 * Tests run inside the lab's private namespaces: `deno task lab tests/lab/some_test.ts` (enter.ts). When a test fails, the
 * output of all processes in its Pods and the Pods' network state are printed.
 *
 * - `Pod` (pod.ts): pgw, spawn, exec, fetchSourceAddress, resolve, probe, captureUplink, resolvConf, setCable, setDirection,
 *   restart, sysctl
 * - `GatewayPod` (gateway_pod.ts): vpnAddress, connectVpn, disconnectVpn, setVpnSilent, captureVpn
 * - `Process` (process.ts), `Capture` (capture.ts), `Prober`, `assertSeesProbes`, `isProbe` (prober.ts)
 */
import { ClusterServices, createRouter, Internet, setService } from "./backbone.ts";
import type { Capture, PacketFilter } from "./capture.ts";
import { isInside } from "./enter.ts";
import { GatewayPod } from "./gateway_pod.ts";
import type { Namespace } from "./namespace.ts";
import type { Packet } from "./packet.ts";
import { Pod } from "./pod.ts";
import { type Cni, directAddress, hosts } from "./topology.ts";

export type LabOptions = {
  readonly cni?: Cni;
  /** Of the Pod network; 1500 unless told. */
  readonly mtu?: number;
};

let labsMade = 0;

export class Lab {
  /** The node: routes between Pods and the internet, translates Services. Its own address is `nodeAddress`. */
  readonly router: Namespace;
  readonly internet: Internet;
  /** The cluster's DNS and web server. */
  readonly cluster: ClusterServices;
  /** A Pod that has nothing to do with pgw: for positive controls, and for attackers. */
  readonly stranger: Pod;
  /** True when a reset failed. */
  isBroken = false;
  readonly #clients: readonly Pod[];
  readonly #gateways: readonly GatewayPod[];

  private constructor(name: string, router: Namespace, internet: Internet, { cni = "bridge", mtu = 1500 }: LabOptions) {
    const place = { lab: name, cni, mtu, router };
    this.router = router;
    this.internet = internet;
    this.cluster = new ClusterServices(place);
    this.stranger = new Pod({ ...place, name: "stranger", host: hosts.stranger });
    this.#clients = [0, 1].map((i) => new Pod({ ...place, name: `client${i}`, host: hosts.client(i) }));
    this.#gateways = [0, 1].map((i) =>
      new GatewayPod({ ...place, name: `gateway${i}`, host: hosts.gateway(i) }, i, internet)
    );
  }

  /** Builds one. Throws outside of the lab's private namespaces. */
  static async create(options: LabOptions = {}): Promise<Lab> {
    if (!isInside()) throw new Error("this needs the lab's namespaces: deno task lab FILE...");
    const name = `l${++labsMade}`;
    const internet = new Internet(`${name}-internet`);
    await internet.create();
    const router = await createRouter(`${name}-router`, internet.name, options.cni ?? "bridge");
    await internet.start();
    const lab = new Lab(name, router, internet, options);
    await Promise.all([...lab.#pods, lab.cluster].map((pod) => pod.create()));
    await lab.cluster.start();
    await lab.setEndpoints([0, 1]);
    lab.#markUnused();
    return lab;
  }

  client(index: 0 | 1): Pod {
    return this.#clients[index] as Pod;
  }

  gateway(index: 0 | 1): GatewayPod {
    return this.#gateways[index] as GatewayPod;
  }

  /** Which gateway Pods are behind the Service, and which addresses its headless sister has: those that are ready. */
  async setEndpoints(gateways: readonly (0 | 1)[]): Promise<void> {
    const addresses = gateways.map((index) => this.gateway(index).address.v4);
    await setService(this.router, "gateway", addresses);
    this.cluster.setHeadless(addresses);
  }

  /** The direct way to the internet, past every VPN. */
  captureDirect(filter: PacketFilter = () => true): Capture {
    return this.router.capture("direct", (packet) => packet.direction === "out" && filter(packet));
  }

  /** Ends everything in the Pods and makes those anew in which something ran. When that fails the lab is of no more use. */
  async reset(): Promise<void> {
    this.isBroken = true;
    await Promise.all(this.#pods.filter((pod) => pod.isUsed).map((pod) => pod.restart()));
    await this.setEndpoints([0, 1]);
    this.#markUnused();
    this.isBroken = false;
  }

  /** The output of all that runs in the Pods under test, and their network's state. */
  async describe(): Promise<string> {
    const pods = this.#pods.filter((pod) => pod.isUsed);
    const parts = await Promise.all(pods.map(async (pod) => {
      const outputs = pod.processes.map((process) => `--- ${process.name}\n${process.output}`);
      return `===== ${pod.name}\n${outputs.join("")}--- state\n${await pod.describe()}`;
    }));
    return parts.join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What cannot be removed now vanishes with the namespaces around the lab.
    await Promise.allSettled([...this.#pods, this.cluster].map((pod) => pod.destroy()));
    await Promise.allSettled([this.router.destroy(), this.internet.destroy()]);
  }

  #markUnused(): void {
    for (const pod of this.#pods) pod.isUsed = false;
  }

  get #pods(): readonly Pod[] {
    return [...this.#clients, ...this.#gateways, this.stranger];
  }
}

/** A filter for captures on the direct way: packets of these Pods. */
export function from(...pods: readonly Pod[]): PacketFilter {
  const addresses = new Set(pods.flatMap(({ address: { v4, v6 }, place }) => [v4, v6, directAddress(place.host).v4]));
  return (packet) => addresses.has(packet.source);
}

/**
 * A filter for captures of a client's uplink: what must not leave there. That is all but the tunnel, the local networks of
 * the default PGW_LOCAL_CIDRS, ARP, and IPv6's neighbour discovery.
 */
export function outsideTunnel(packet: Packet): boolean {
  if (packet.family === 0) return packet.etherType !== 0x0806;
  if (packet.family === 6) return !(packet.protocol === 58 && [133, 135, 136, 143].includes(packet.icmpType));
  return !packet.destination.startsWith("10.") && !packet.destination.startsWith("192.168.");
}

export { names } from "./topology.ts";
