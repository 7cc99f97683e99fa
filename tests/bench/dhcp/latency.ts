/** From a client's first DISCOVER to the address on its interface: ours, dhclient and udhcpc, of ours and of dnsmasq. */
import { connectSeedClient } from "../../interop/seed_client.ts";
import { seedDhcp, startSeedGateway } from "../../interop/seed_gateway.ts";
import { Lab, names } from "../../lab/lab.ts";
import type { Packet } from "../../lab/packet.ts";
import type { Pod } from "../../lab/pod.ts";
import { startClient, startGateway } from "../../lab/roles.ts";
import { judge, median, spread } from "../report.ts";

const rounds = 5;
/** Of VXLAN, Ethernet, IPv4 and UDP, before a message in the tunnel. */
const headers = 8 + 14 + 20 + 8;
const clients = {
  pgw: (pod: Pod) => startClient(pod, { PGW_LOG_LEVEL: "info" }),
  dhclient: (pod: Pod) => connectSeedClient(pod, names.gateway, "dhclient"),
  udhcpc: (pod: Pod) => connectSeedClient(pod, names.gateway, "udhcpc"),
} as const;
const pairs = [
  ["pgw", "pgw"],
  ["dhclient", "pgw"],
  ["udhcpc", "pgw"],
  ["dhclient", "dnsmasq"],
  ["udhcpc", "dnsmasq"],
] as const;

type Pair = typeof pairs[number];

export async function benchLatency(): Promise<void> {
  await using lab = await Lab.create();
  const times = pairs.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, [client, server]] of pairs.entries()) {
      await lab.reset();
      await lab.setEndpoints([0]);
      if (server === "pgw") await startGateway(lab.gateway(0), { PGW_LOG_LEVEL: "info" });
      else await startSeedGateway(lab.gateway(0), [...seedDhcp, "--no-ping"]);
      times[index]!.push(await timeToAddress(lab, clients[client]));
    }
  }
  for (const [index, [client, server]] of pairs.entries()) {
    console.log(`${client} of ${server}: ${spread(times[index]!, "ms", 1)} from DISCOVER to a usable address`);
  }
  const medians = new Map(pairs.map((pair, index) => [`${pair}`, median(times[index]!)]));
  const ratio = (one: Pair, other: Pair) => (medians.get(`${one}`)! / medians.get(`${other}`)!).toFixed(2);
  for (const client of ["dhclient", "udhcpc"] as const) {
    console.log(
      `ratios of medians: ${client} of pgw to ${client} of dnsmasq ${ratio([client, "pgw"], [client, "dnsmasq"])}, ` +
        `pgw of pgw to ${client} of dnsmasq ${ratio(["pgw", "pgw"], [client, "dnsmasq"])}`,
    );
  }
  judge("ms from DISCOVER to a usable address, ours to ours", median(times[0]!), { atMost: 10 });
}

/** The DISCOVER as it leaves the client's Pod, the address as the client's kernel tells of it. */
async function timeToAddress(lab: Lab, connect: (pod: Pod) => unknown): Promise<number> {
  const client = lab.client(0);
  using discovers = client.capture("eth0", isFromClient);
  const monitor = client.spawn(["ip", "-4", "-tshort", "monitor", "address"]);
  const connected = connect(client);
  const { text } = await monitor.waitFor(/inet 172\.29\./, { timeoutMs: 30_000 });
  const at = Date.parse(`${/^\[(\S+)\]/.exec(text)?.[1]}Z`);
  const first = await discovers.waitFor(() => true);
  if (connected instanceof Promise) await connected;
  return microseconds(text, at) - first.at;
}

/** In the tunnel: UDP to port 67. */
function isFromClient({ direction, destinationPort, payload }: Packet): boolean {
  const [ip, udp] = [headers - 28, headers - 8];
  return direction === "out" && destinationPort === 4789 && payload[ip + 9] === 17 && payload[udp + 3] === 67;
}

/** `[2026-01-01T00:00:00.123456] ...`: what Date.parse cuts off. */
function microseconds(line: string, at: number): number {
  return Math.floor(at) + Number(`0.${/\.\d{3}(\d{3})\]/.exec(line)?.[1] ?? "0"}`);
}
