/**
 * An app that sends probes of all kinds without a pause, and captures on every way out of its Pod that is not the tunnel:
 * how many probes were sent in each phase of a run, and what left.
 */
import type { Capture, PacketFilter } from "../lab/capture.ts";
import { from, type Lab, outsideTunnel } from "../lab/lab.ts";
import { describe, type Packet } from "../lab/packet.ts";
import type { Pod } from "../lab/pod.ts";
import { isProbe, linkKinds, type ProbeKind, probeKind, probeKinds, type Prober, totalTried } from "../lab/prober.ts";
import { eventually, sleep } from "../lab/roles.ts";
import { hosts, podAddress } from "../lab/topology.ts";

export type PhaseResult = {
  readonly name: string;
  readonly seconds: number;
  /** Probes that the app sent meanwhile. */
  readonly sent: number;
  /** What was seen where nothing may be, in words. */
  readonly leaks: readonly string[];
  /** What the phase measured. */
  readonly note: string;
};

/** The client's as well, for a while. */
export const spareAddress = podAddress(hosts.spare);
const vxlanPort = 4789;
/** ICMP (RFC 792). */
const unreachable = 3;
const intervalMs = 10;

export class LeakWatch implements AsyncDisposable {
  readonly results: PhaseResult[] = [];
  readonly #lab: Lab;
  readonly #prober: Prober;
  readonly #captures: readonly Capture[];
  #questions = 0;

  private constructor(lab: Lab, prober: Prober, captures: readonly Capture[]) {
    this.#lab = lab;
    this.#prober = prober;
    this.#captures = captures;
  }

  /**
   * Starts the app in a Pod that nothing protects yet, and returns when each capture has seen each kind of probe that can
   * come by it: the positive control.
   */
  static async start(lab: Lab, client: Pod): Promise<LeakWatch> {
    const gateways = [lab.gateway(0), lab.gateway(1)];
    const ends = [...[client, ...gateways].map(({ address }) => address.v4), spareAddress.v4];
    // Between the tunnel's two ends: its packets, and what a gateway that has ended its tunnel answers to them.
    const isTunnel = ({ protocol, destination, destinationPort, source, icmpType }: Packet) =>
      ends.includes(destination) && (protocol === 17 && destinationPort === vxlanPort ||
        protocol === 1 && icmpType === unreachable && ends.includes(source));
    const isLeak = (packet: Packet) => !isTunnel(packet) && (outsideTunnel(packet) || isProbe(packet));
    const uplink = client.captureUplink(isLeak);
    const direct = lab.captureDirect((packet) => from(client, ...gateways)(packet) || isProbe(packet));
    const others = gateways.map((gateway) => gateway.captureUplink((packet) => !isTunnel(packet) && isProbe(packet)));
    const watch = new LeakWatch(lab, await client.probe({ intervalMs }), [uplink, direct, ...others]);
    const routed = probeKinds.filter((kind) => !linkKinds.has(kind) && kind !== "clusterDns");
    await seesEach(uplink, probeKinds);
    await seesEach(direct, routed);
    for (const [index, capture] of others.entries()) await gatewayControl(lab.gateway(index as 0 | 1), capture, routed);
    await eventually("the cluster's DNS is asked", async () => await Promise.resolve(watch.#asked() > 0));
    watch.#forget();
    return watch;
  }

  /** Runs one phase. What leaked in it is in the result; only what keeps the phase from being carried out is thrown. */
  async phase(name: string, body: () => Promise<string | void>): Promise<PhaseResult> {
    const began = performance.now();
    const before = totalTried(await this.#prober.counts());
    const note = await body() ?? "";
    const sent = totalTried(await this.#prober.counts()) - before;
    const result = { name, seconds: (performance.now() - began) / 1_000, sent, leaks: this.#leaks(), note };
    this.results.push(result);
    this.#forget();
    return result;
  }

  /** Forgets what left until `at` (milliseconds since 1970) and matches; returns how many packets of the client's that were. */
  forgetUntil(at: number, filter: PacketFilter = () => true): number {
    const [early = 0] = this.#captures.map((capture) => capture.clear((packet) => packet.at <= at && filter(packet)));
    // The cluster's DNS server tells no times: the uplink sees its questions as well.
    this.#questions = this.#asked();
    return early;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const capture of this.#captures) capture[Symbol.dispose]();
    await this.#prober.stop();
  }

  #leaks(): string[] {
    const leaks = this.#captures.flatMap((capture) => {
      const lost = capture.lost === 0
        ? []
        : [`${capture.lost} packets on ${capture.device} were not seen: any could be`];
      return [...lost, ...capture.packets().map((packet) => `${at(packet)} ${capture.device}: ${describe(packet)}`)];
    });
    const asked = this.#asked() - this.#questions;
    return asked === 0 ? leaks : [...leaks, `${asked} questions of the app at the cluster's DNS server`];
  }

  #forget(): void {
    for (const capture of this.#captures) capture.clear();
    this.#questions = this.#asked();
  }

  #asked(): number {
    return this.#lab.cluster.dnsQueries().filter(({ name }) => name.startsWith("pgw-probe-clusterdns-")).length;
  }
}

function at(packet: Packet): string {
  return new Date(packet.at).toISOString().slice(11, 23);
}

async function seesEach(capture: Capture, kinds: readonly ProbeKind[]): Promise<void> {
  await eventually(`probes of each kind on ${capture.device}`, () => {
    const seen = new Set(capture.packets().map(probeKind));
    return Promise.resolve(kinds.every((kind) => seen.has(kind)));
  });
}

/** What clients send would leave a gateway whose VPN is down by its own interface, and be seen there. */
async function gatewayControl(
  gateway: ReturnType<Lab["gateway"]>,
  capture: Capture,
  kinds: readonly ProbeKind[],
): Promise<void> {
  await gateway.disconnectVpn();
  const app = await gateway.probe({ intervalMs });
  await seesEach(capture, kinds);
  await app.stop();
  await gateway.connectVpn();
  await sleep(100); // the last of them arrive
}
