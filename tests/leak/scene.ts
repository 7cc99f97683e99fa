/** A client Pod under watch, two gateways, and the programs that run in them, as the phases of a run want them. */
import type { GatewayPod } from "../lab/gateway_pod.ts";
import { type Lab, names } from "../lab/lab.ts";
import type { RunOptions } from "../lab/namespace.ts";
import { executedAt, type Pod } from "../lab/pod.ts";
import type { LogRecord, Process } from "../lab/process.ts";
import { startClient, startGateway, untilOpen } from "../lab/roles.ts";
import { internet } from "../lab/topology.ts";
import type { Iptables } from "./iptables.ts";
import { LeakWatch } from "./watch.ts";

type Env = NonNullable<RunOptions["env"]>;

/** Renewed each four seconds, and gone eight after the client is. */
export const leaseSeconds = 8;

export class Scene implements AsyncDisposable {
  readonly client: Pod;
  readonly gateways: readonly [GatewayPod, GatewayPod];
  readonly #serving: (Process | undefined)[] = [undefined, undefined];
  #pgw: Process | undefined;

  private constructor(readonly lab: Lab, readonly watch: LeakWatch, readonly iptables: Iptables) {
    this.client = lab.client(0);
    this.gateways = [lab.gateway(0), lab.gateway(1)];
  }

  /** In a lab whose Pods are fresh; the Service has no gateway. */
  static async create(lab: Lab, iptables: Iptables): Promise<Scene> {
    await lab.setEndpoints([]);
    return new Scene(lab, await LeakWatch.start(lab, lab.client(0)), iptables);
  }

  /** The client's program that was started last. */
  get pgw(): Process {
    if (this.#pgw === undefined) throw new Error("no client was started");
    return this.#pgw;
  }

  isServing(index: 0 | 1): boolean {
    return this.#serving[index] !== undefined && this.#serving[index].status === undefined;
  }

  /** The gateway's program that was started last. */
  serving(index: 0 | 1): Process {
    const process = this.#serving[index];
    if (process === undefined) throw new Error(`gateway ${index} was not started`);
    return process;
  }

  /**
   * Starts the client in the Pod for the first time.
   *
   * @returns milliseconds from its execution to its first rules, and the packets that left before
   */
  async startFirst(): Promise<{ readonly firstRuleMs: number; readonly before: number }> {
    const pgw = this.start({ isTimed: true });
    const began = await executedAt(pgw);
    const isRule = (family: string) => ({ change }: LogRecord) => String(change).startsWith(`${family} `);
    const rules = await Promise.all(["iptables", "ip6tables"].map((family) => pgw.waitForLog(isRule(family))));
    const closedAt = Math.max(...rules.map(({ timestamp }) => Number(timestamp)));
    return { firstRuleMs: closedAt - began, before: this.watch.forgetUntil(closedAt) };
  }

  /** Starts the client anew. `args` as in `pgw client ARGS`. */
  start(
    { args = ["run", names.gateway], env = {}, isTimed = false }: {
      readonly args?: readonly string[];
      readonly env?: Env;
      readonly isTimed?: boolean;
    } = {},
  ): Process {
    const { clientEnv, capabilities } = this.iptables;
    this.#pgw = startClient(this.client, { ...clientEnv(this.client), ...env }, ["client", ...args], {
      isTimed,
      capabilities,
    });
    return this.#pgw;
  }

  /** Starts a gateway that is not there. */
  async serve(index: 0 | 1, env: Env = {}): Promise<void> {
    if (this.isServing(index)) return;
    this.#serving[index] = await startGateway(this.gateways[index], {
      PGW_DNS_UPSTREAMS: internet.dns.v4,
      PGW_VPN_INTERFACE: "vpn0",
      PGW_DHCP_LEASE_TIME: String(leaseSeconds),
      ...env,
    });
  }

  /** Waits until the app gets out by a gateway's VPN. */
  async untilThrough(index: 0 | 1): Promise<void> {
    await this.client.waitForSourceAddress(this.gateways[index].vpnAddress.v4, undefined, 40_000);
  }

  /** Starts the client anew and waits until it is open. */
  async reopen(options: Parameters<Scene["start"]>[0] = {}): Promise<void> {
    await untilOpen(this.start(options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.watch[Symbol.asyncDispose]();
  }
}
