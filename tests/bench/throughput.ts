/**
 * TCP and small UDP packets through our tunnel, all rules in place, beside a plain kernel VXLAN with NAT between two other
 * Pods of the same lab; and how long it takes to set a client's whole firewall.
 *
 * The two go in turns of a second, and what counts is the median of the ratios of neighbours: a machine's speed drifts by
 * more than is to be told apart. Sender and receiver have a processor each. What a processor moves in a second of its time
 * is told as well, because it depends less on what else the machine does.
 *
 * `deno task bench throughput [ROUNDS [SECONDS]]`, after `deno task compile`.
 */
import { enterOrContinue, isInside } from "../lab/enter.ts";
import type { GatewayPod } from "../lab/gateway_pod.ts";
import { Lab, names } from "../lab/lab.ts";
import type { Pod } from "../lab/pod.ts";
import { pgwEnv, scriptCommand } from "../lab/program.ts";
import { startGateway, untilOpen } from "../lab/roles.ts";
import { internet } from "../lab/topology.ts";
import { useCompiledProgram } from "./binary.ts";
import type { FirewallTimes } from "./firewall_main.ts";
import { judge, machine, median, spread } from "./report.ts";

const leastRatio = 0.97;
const firewallLimitMs = 30;

if (!isInside()) useCompiledProgram();
await enterOrContinue(import.meta.filename!);
const rounds = Number(Deno.args[0] ?? 10);
const seconds = Number(Deno.args[1] ?? 1);

/** "Down" is to the app. UDP: datagrams of 64 bytes, as many as one sender can send. */
const modes = [
  { name: "TCP 1 flow up", unit: "Gb/s", args: [] },
  { name: "TCP 1 flow down", unit: "Gb/s", args: ["-R"] },
  { name: "TCP 8 flows up", unit: "Gb/s", args: ["-P", "8"] },
  { name: "TCP 8 flows down", unit: "Gb/s", args: ["-P", "8", "-R"] },
  { name: "UDP 64 bytes up", unit: "kpackets/s", args: ["-u", "-b", "0", "-l", "64"] },
  { name: "UDP 64 bytes down", unit: "kpackets/s", args: ["-u", "-b", "0", "-l", "64", "-R"] },
] as const;

type Mode = typeof modes[number];

await using lab = await Lab.create();
console.log(machine());
await measureFirewall(lab.stranger);

const [ours, plain] = [lab.client(0), lab.client(1)];
await lab.setEndpoints([0]);
await startGateway(lab.gateway(0), { PGW_VPN_INTERFACE: "vpn0", PGW_LOG_LEVEL: "info" });
await untilOpen(ours.pgw(["client", "run", names.gateway], { env: { PGW_LOG_LEVEL: "info" } }));
await connectPlain(plain, lab.gateway(1));
await lab.internet.spawn(["iperf3", "-s", "-B", internet.web.v4, "--forceflush"]).waitFor(/listening/);
// Both take the way they should.
await ours.waitForSourceAddress(lab.gateway(0).vpnAddress.v4);
await plain.waitForSourceAddress(lab.gateway(1).vpnAddress.v4);

for (const mode of modes) {
  const values = { ours: [] as Moved[], plain: [] as Moved[] };
  for (let round = 0; round < rounds; round++) {
    // Whoever comes first in one round comes second in the next.
    for (const side of round % 2 === 0 ? ["ours", "plain"] as const : ["plain", "ours"] as const) {
      values[side].push(await iperf(side === "ours" ? ours : plain, mode));
    }
  }
  const told = (side: Moved[]) => spread(side.map(({ rate }) => rate), mode.unit, 2);
  console.log(`${mode.name}: ours ${told(values.ours)}; plain ${told(values.plain)}`);
  const ratios = (of: keyof Moved) => values.ours.map((our, round) => our[of] / values.plain[round]![of]);
  console.log(`  in a second of processor time, ours / plain: ${spread(ratios("efficiency"), "x", 3)}`);
  console.log(`  ours / plain: ${spread(ratios("rate"), "x", 3)}`);
  judge(`  ours / plain, ${mode.name} (median of the rounds)`, median(ratios("rate")), { atLeast: leastRatio });
}

/** What arrived: Gb/s, or thousands of packets a second; and how much of that a second of the processors' time makes. */
type Moved = { readonly rate: number; readonly efficiency: number };

async function iperf(pod: Pod, mode: Mode, tries = 3): Promise<Moved> {
  const { args, unit } = mode;
  const command = ["iperf3", "-c", internet.web.v4, "-t", String(seconds), "-A", "0,1", "--json", ...args];
  const { stdout } = await pod.exec(command, { timeoutMs: (seconds + 30) * 1_000 });
  const { end, error } = JSON.parse(stdout) as IperfResult;
  if (end.cpu_utilization_percent === undefined) {
    // Its control connection may break while the receiver is flooded.
    if (tries > 1) return await iperf(pod, mode, tries - 1);
    throw new Error(`iperf3 measured nothing: ${error}`);
  }
  const { sum, sum_received, cpu_utilization_percent } = end;
  const { host_total, remote_total } = cpu_utilization_percent;
  const rate = unit === "Gb/s"
    ? sum_received.bits_per_second / 1e9
    : (sum.packets - sum.lost_packets) / sum.seconds / 1e3;
  return { rate, efficiency: rate / ((host_total + remote_total) / 100) };
}

type IperfResult = {
  readonly error?: string;
  readonly end: {
    readonly sum: { readonly packets: number; readonly lost_packets: number; readonly seconds: number };
    readonly sum_received: { readonly bits_per_second: number };
    /** Absent when it failed. */
    readonly cpu_utilization_percent?: { readonly host_total: number; readonly remote_total: number };
  };
};

/** The same tunnel by hand: no rule anywhere but the one that translates addresses. */
async function connectPlain(client: Pod, gateway: GatewayPod): Promise<void> {
  const vxlan = "link add vxlan0 type vxlan id 3151 dstport 4789 dev eth0";
  await gateway.sysctl("net.ipv4.ip_forward=1");
  await gateway.ip(vxlan, "addr add 172.30.0.1/24 dev vxlan0", "link set vxlan0 up");
  await gateway.iptables(4, "*nat\n-A POSTROUTING -o vpn0 -j MASQUERADE\nCOMMIT\n");
  await client.ip(
    `${vxlan} remote ${gateway.address.v4}`,
    "addr add 172.30.0.20/24 dev vxlan0",
    "link set vxlan0 up",
    "route replace default via 172.30.0.1 dev vxlan0",
  );
}

async function measureFirewall(pod: Pod): Promise<void> {
  const times: FirewallTimes[] = [];
  for (let round = 0; round < Math.max(rounds, 3); round++) {
    await pod.restart();
    const { stdout } = await pod.exec(scriptCommand("../bench/firewall_main.ts"), { env: pgwEnv() });
    times.push(JSON.parse(stdout));
  }
  console.log(`iptables-restore of one rule: ${spread(times.map(({ oneRule }) => oneRule), "ms", 1)}`);
  for (const step of ["first", "open", "closedAgain", "unchanged"] as const) {
    const values = times.map((time) => time[step]);
    console.log(`whole firewall, both families, ${step}: ${spread(values, "ms", 1)}`);
    judge(`  ms to set it, ${step} (median)`, median(values), { atMost: firewallLimitMs });
  }
}
