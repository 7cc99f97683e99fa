/** What a gateway's firewall depends on and is learned while it runs: who holds forwarded names, where a VPN's lead. */

import { gatewayAddress, type GatewaySettings, SettingsError } from "../config/settings.ts";
import { forwardProblems, parseNatFile } from "../config/port_forward.ts";
import { problemsOf, ValueError } from "../config/value_error.ts";
import type { LeaseRecord } from "../dhcp/lease_record.ts";
import type { GatewayLearned } from "../netstate/gateway.ts";
import { NamedClients, type PortForward } from "../netstate/port_forward.ts";
import { longestTimerMs } from "./event_loop.ts";
import type { ClusterResolver } from "./gateway_dns.ts";
import { VpnNames } from "./vpn_names.ts";

export class GatewayLearning implements Disposable {
  readonly #forwards: readonly PortForward[];
  readonly #clients: NamedClients;
  readonly #names: VpnNames | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The end of a lease that the timer is for. */
  #awaited = Infinity;

  /**
   * @param changed {@link learned} is another from now on
   * @throws {SettingsError} PGW_NAT_FILE cannot be read, or is wrong
   */
  constructor(settings: GatewaySettings, cluster: ClusterResolver, readonly changed: () => void) {
    this.#forwards = readForwards(settings);
    this.#clients = new NamedClients(this.#forwards);
    const { vpnEndpoints } = settings;
    this.#names = vpnEndpoints === undefined ? undefined : new VpnNames(vpnEndpoints, cluster, changed);
  }

  /** Ends when it is known where the VPN may connect to, or that nobody says. */
  async start(): Promise<void> {
    await this.#names?.start();
  }

  learned(): GatewayLearned {
    return {
      forwards: this.#clients.lead(this.#forwards),
      ...(this.#names === undefined ? {} : { endpoints: this.#names.endpoints() }),
    };
  }

  /** A lease was given, renewed or ended. */
  lease({ address, state, hostName, until }: LeaseRecord): void {
    if (!this.#clients.isWanted) return;
    const isBound = state === "bound" && until > Date.now();
    const lease = { address, isBound, until, ...(hostName === undefined ? {} : { hostName }) };
    if (this.#clients.learn(lease)) this.changed();
    this.#awaitEnd();
  }

  [Symbol.dispose](): void {
    this.#names?.[Symbol.dispose]();
    clearTimeout(this.#timer);
  }

  /** Nobody tells of a lease that is over because it was not renewed. */
  #awaitEnd(): void {
    const end = this.#clients.nextEnd;
    if (end === this.#awaited) return;
    this.#awaited = end;
    clearTimeout(this.#timer);
    if (end === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#awaited = Infinity;
      if (this.#clients.expire(Date.now())) this.changed();
      this.#awaitEnd();
    }, Math.min(longestTimerMs, Math.max(0, end - Date.now()) + 1));
  }
}

function readForwards({ portForwards = [], natFile, vxlanNetwork }: GatewaySettings): readonly PortForward[] {
  if (natFile === undefined) return portForwards;
  try {
    const forwards = [...portForwards, ...parseNatFile(Deno.readTextFileSync(natFile), vxlanNetwork)];
    const problems = forwardProblems(forwards, vxlanNetwork, gatewayAddress(vxlanNetwork));
    if (problems.length > 0) throw new ValueError(...problems);
    return forwards;
  } catch (error) {
    const problems = error instanceof ValueError ? problemsOf(error) : [`it cannot be read: ${error}`];
    throw new SettingsError(problems.map((problem) => `PGW_NAT_FILE: '${natFile}': ${problem}`));
  }
}
