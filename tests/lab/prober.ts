/** An app in a Pod that sends marked packets of all kinds at a steady pace, and counts them: what must not leak. */
import type { Capture } from "./capture.ts";
import type { Namespace } from "./namespace.ts";
import type { Packet } from "./packet.ts";
import type { Process } from "./process.ts";
import { scriptCommand } from "./program.ts";
import { internet, internetDomain } from "./topology.ts";

/** Destination port of the probes that have one, but for DNS. */
export const probePort = 7007;
export const probeMark = "pgw-probe";

/**
 * The kinds of probes: `clusterDns` asks the cluster's own DNS (a local address), all others go to the internet. `bound`:
 * from a socket that is bound to eth0, past all routes; `other`: of no protocol that anybody knows, from a raw socket.
 */
export const probeKinds = [
  "tcp4",
  "udp4",
  "icmp4",
  "dns4",
  "dnsTcp4",
  "fragment4",
  "broadcast",
  "multicast4",
  "bound4",
  "boundDns4",
  "other4",
  "tcp6",
  "udp6",
  "icmp6",
  "dns6",
  "fragment6",
  "multicast6",
  "bound6",
  "other6",
  "clusterDns",
] as const;

export type ProbeKind = typeof probeKinds[number];

/** Those that no router passes on. */
export const linkKinds: ReadonlySet<ProbeKind> = new Set(["broadcast", "multicast4", "multicast6"]);

/** `tried`: sends; `accepted`: those that the kernel did not refuse at once. */
export type ProbeCounts = Readonly<Record<ProbeKind, { readonly tried: number; readonly accepted: number }>>;

/** True for packets of a {@link Prober}. */
export function isProbe(packet: Packet): boolean {
  return packet.destinationPort === probePort || probeKind(packet) !== undefined;
}

/** Which kind of probe it is; undefined: it is none, or a fragment that does not tell. */
export function probeKind(packet: Packet): ProbeKind | undefined {
  if (packet.protocol === 6) {
    if (packet.destinationPort === probePort) return packet.family === 4 ? "tcp4" : "tcp6";
    return packet.destinationPort === 53 && packet.destination === internet.web.v4 ? "dnsTcp4" : undefined;
  }
  const found = marking(packet)?.[1];
  return probeKinds.find((kind) => kind === found);
}

/** The running number in a probe that carries one (all but TCP), to find gaps. */
export function probeNumber(packet: Packet): number | undefined {
  const found = marking(packet)?.[2];
  return found === undefined ? undefined : Number(found);
}

function marking({ payload }: Packet): RegExpExecArray | null {
  return /pgw-probe-([a-z0-9A-Z]+)-(\d+)/.exec(latin1.decode(payload));
}

const latin1 = new TextDecoder("latin1");

export class Prober {
  private constructor(readonly process: Process) {}

  static async start(pod: Namespace, intervalMs: number): Promise<Prober> {
    const prober = new Prober(pod.spawn(scriptCommand("prober_main.ts", String(intervalMs), internetDomain)));
    await prober.process.waitFor(/^ready$/);
    return prober;
  }

  /** How many it sent so far. */
  async counts(): Promise<ProbeCounts> {
    const from = this.process.lines.length;
    this.process.kill("SIGUSR1");
    const { json } = await this.process.waitFor((line) => line.json !== undefined, { from });
    return json as ProbeCounts;
  }

  /** Ends it; how many it sent. */
  async stop(): Promise<ProbeCounts> {
    await this.process.stop("SIGTERM");
    const line = this.process.lines.findLast((line) => line.json !== undefined);
    if (line === undefined) throw new Error(`the prober told no counts:\n${this.process.output}`);
    return line.json as ProbeCounts;
  }
}

/** Number of probes in all. */
export function totalTried(counts: ProbeCounts): number {
  return Object.values(counts).reduce((sum, { tried }) => sum + tried, 0);
}

/**
 * The positive control: the same prober in a Pod that nothing protects is seen by captures of the same kind.
 *
 * Throws unless `capture` sees IPv4 and IPv6 probes within a few seconds. Leaves the capture empty.
 */
export async function assertSeesProbes(capture: Capture, unprotected: Namespace): Promise<void> {
  const prober = await Prober.start(unprotected, 10);
  try {
    await capture.waitFor((packet) => isProbe(packet) && packet.family === 4);
    await capture.waitFor((packet) => isProbe(packet) && packet.family === 6);
  } finally {
    await prober.stop();
  }
  await new Promise((resolve) => setTimeout(resolve, 100)); // the last of them arrive
  capture.clear();
}
