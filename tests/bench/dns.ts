/**
 * The forwarder beside dnsmasq, unbound and a bare echo, on a veth pair in namespaces of its own, by dnsperf.
 *
 *     deno run -A tests/bench/dns.ts [ROUNDS] [SECONDS] [cached|forwarded|mixed]
 *
 * Rates depend on what else the machine does, so the peers take turns in each round and ratios are of medians. Beside
 * each rate is the processor time for a query: that of the server's process, kernel included.
 */
import { enterOrContinue } from "../lab/enter.ts";
import { host, Namespace } from "../lab/namespace.ts";
import type { Process } from "../lab/process.ts";

await enterOrContinue(new URL(import.meta.url).pathname);

const rounds = Number(Deno.args[0] ?? 3);
const seconds = Number(Deno.args[1] ?? 3);
const only = Deno.args[2];
const address = "198.51.100.1";
const upstream = "198.51.100.2";
const names = 100_000;
const ticksPerSecond = 100;

type Peer = { readonly name: string; readonly command: (workload: Workload) => readonly string[] };
type Workload = {
  readonly name: string;
  readonly cacheBytes: number;
  readonly questions: string;
  readonly warm: boolean;
};
type Result = {
  readonly rate: number;
  readonly lost: number;
  readonly cpuMicroseconds: number;
  readonly averageMs: number;
};

const directory = await Deno.makeTempDir();
const main = new URL("dns_peer_main.ts", import.meta.url).pathname;
const deno = [Deno.execPath(), "run", "-A", "--cached-only", "--no-check", main];
const unboundOf = (workload: Workload) => `${directory}/unbound-${workload.cacheBytes > 1e6 ? "cache" : "none"}.conf`;

const peers: readonly Peer[] = [
  {
    name: "dnsmasq",
    command: (
      { cacheBytes },
    ) => [...dnsmasq(address), `--server=${upstream}`, `--cache-size=${cacheBytes > 1e6 ? 200_000 : 0}`],
  },
  { name: "unbound", command: (workload) => ["unbound", "-d", "-c", unboundOf(workload)] },
  { name: "pgw", command: ({ cacheBytes }) => [...deno, "forwarder", address, upstream, `${cacheBytes}`] },
  { name: "echo", command: () => [...deno, "echo", address] },
];

const workloads: readonly Workload[] = [
  { name: "cached", cacheBytes: 32 << 20, questions: uniform(1000), warm: true },
  { name: "forwarded", cacheBytes: 4096, questions: unique(), warm: false },
  { name: "mixed", cacheBytes: 32 << 20, questions: zipf(), warm: false },
];

function dnsmasq(listen: string): string[] {
  const options = ["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--no-resolv", "--no-hosts"];
  return ["dnsmasq", ...options, "--bind-interfaces", "--dns-forward-max=2000", `--listen-address=${listen}`];
}

function unboundConfig(hasCache: boolean): string {
  return `server:
  interface: ${address}
  access-control: 0.0.0.0/0 allow
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  num-threads: 1
  module-config: "iterator"
  msg-cache-size: ${hasCache ? "32m" : "0"}
  rrset-cache-size: ${hasCache ? "32m" : "0"}
  outgoing-range: 4096
  num-queries-per-thread: 2048
forward-zone:
  name: "."
  forward-addr: ${upstream}
remote-control:
  control-enable: no
`;
}

function write(name: string, lines: readonly string[]): string {
  const path = `${directory}/${name}`;
  Deno.writeTextFileSync(path, lines.join("\n") + "\n");
  return path;
}

function uniform(count: number): string {
  return write("uniform", Array.from({ length: count }, (_, index) => `host${index}.example.com A`));
}

function unique(): string {
  return write("unique", Array.from({ length: 1_500_000 }, (_, index) => `u${index}.example.com A`));
}

/** Popular names often, rare ones rarely (exponent 1): 300,000 questions over 100,000 names, in an order that repeats. */
function zipf(): string {
  const sums = new Float64Array(names);
  for (let rank = 0, sum = 0; rank < names; rank++) sums[rank] = sum += 1 / (rank + 1);
  let seed = 1;
  const random = () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 0x1_0000_0000;
  const pick = () => {
    const wanted = random() * sums[names - 1]!;
    let [low, high] = [0, names - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return write("zipf", Array.from({ length: 300_000 }, () => `z${pick()}.example.com A`));
}

function cpuTicks(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\) /, "").split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

async function dnsperf(
  client: Namespace,
  questions: string,
  forSeconds: number,
): Promise<Omit<Result, "cpuMicroseconds">> {
  const options = ["-s", address, "-d", questions, "-l", `${forSeconds}`, "-c", "8", "-q", "200", "-t", "2"];
  const { stdout } = await client.exec(["dnsperf", ...options], { timeoutMs: 30_000 });
  const number = (pattern: RegExp) => Number(pattern.exec(stdout)?.[1]);
  const averageMs = 1000 * number(/Average Latency \(s\):\s+([\d.]+)/);
  return { rate: number(/Queries per second:\s+([\d.]+)/), lost: number(/Queries lost:\s+(\d+)/), averageMs };
}

async function isAnswering(client: Namespace, server: string): Promise<boolean> {
  const { stdout } = await client.exec(["dig", `@${server}`, "+time=1", "+tries=1", "ready.example.com"], {
    check: false,
  });
  return stdout.includes("flags: qr");
}

async function start(server: Namespace, client: Namespace, command: readonly string[], at: string): Promise<Process> {
  const process = server.spawn(command);
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await isAnswering(client, at)) return process;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${command[0]} does not answer:\n${process.output}`);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

async function measure(peer: Peer, workload: Workload, server: Namespace, client: Namespace): Promise<Result> {
  const process = await start(server, client, peer.command(workload), address);
  // The first seconds are those of a program that has just started, in ours: of code that is not yet compiled.
  await dnsperf(client, workload.warm ? workload.questions : `${directory}/uniform`, 2);
  const before = cpuTicks(process.pid);
  const result = await dnsperf(client, workload.questions, seconds);
  const ticks = cpuTicks(process.pid) - before;
  await process.stop("SIGKILL");
  return { ...result, cpuMicroseconds: (ticks / ticksPerSecond * 1e6) / (result.rate * seconds) };
}

const server = new Namespace("dns-server");
const client = new Namespace("dns-client");
await server.create();
await client.create();
const ends = ["veth-server", "netns", server.name, "type", "veth", "peer", "name", "veth-client", "netns", client.name];
await host(["ip", "link", "add", ...ends]);
await server.ip(
  "addr add 198.51.100.1/24 dev veth-server",
  "addr add 198.51.100.2/24 dev veth-server",
  "link set veth-server up",
);
await client.ip("addr add 198.51.100.3/24 dev veth-client", "link set veth-client up");
Deno.writeTextFileSync(`${directory}/unbound-cache.conf`, unboundConfig(true));
Deno.writeTextFileSync(`${directory}/unbound-none.conf`, unboundConfig(false));
await start(
  server,
  client,
  [...dnsmasq(upstream), "--address=/example.com/203.0.113.80", "--local-ttl=3600"],
  upstream,
);

for (const workload of workloads.filter(({ name }) => only === undefined || name === only)) {
  const results = new Map(peers.map(({ name }) => [name, [] as Result[]]));
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) {
      if (peer.name === "echo" && workload.name !== "cached") continue;
      results.get(peer.name)!.push(await measure(peer, workload, server, client));
    }
  }
  console.log(`${workload.name}, medians of ${rounds} runs of ${seconds} s`);
  const ours = median(results.get("pgw")!.map(({ rate }) => rate));
  for (const [name, runs] of results) {
    if (runs.length === 0) continue;
    const of = (key: keyof Result) => median(runs.map((run) => run[key]));
    const ratio = name === "pgw" ? "" : `  pgw has ${(ours / of("rate")).toFixed(2)} x its rate`;
    const columns = [of("rate").toFixed(0).padStart(8), of("cpuMicroseconds").toFixed(1).padStart(6)];
    console.log(
      `  ${name.padEnd(8)}${columns[0]}/s ${columns[1]} us CPU  ${of("averageMs").toFixed(2)} ms  lost ${
        of("lost")
      }${ratio}`,
    );
  }
}
await client.destroy();
await server.destroy();
await Deno.remove(directory, { recursive: true });
