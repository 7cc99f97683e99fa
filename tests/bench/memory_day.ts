/**
 * Memory over a day of life in a few minutes, of the real processes: a client that asks its gateway as often as it does in a
 * day (8,640 times), and a gateway that answers 10^6 probes and as many DNS questions meanwhile, with a renewal each second.
 *
 * `deno task bench memory-day [SECONDS]`, after `deno task compile`.
 */
import { enterOrContinue, isInside } from "../lab/enter.ts";
import { Lab, names } from "../lab/lab.ts";
import type { Process } from "../lab/process.ts";
import { scriptCommand } from "../lab/program.ts";
import { sleep, startGateway, untilOpen } from "../lab/roles.ts";
import { useCompiledProgram } from "./binary.ts";
import { compileWaiter, memoryOf, startWaiter } from "./memory_of.ts";
import { judge, machine, median } from "./report.ts";

const probesOfAll = 1e6;
const probesOfOne = 8_640;
/** Distinct names that are asked for. */
const nameCount = 50_000;
const samples = 24;
const limits = { client: 1.25, gateway: 2.5, growth: 1.05 };
const upstream = "203.0.113.54";

if (!isInside()) {
  useCompiledProgram();
  await compileWaiter();
}
await enterOrContinue(import.meta.filename!);
const seconds = Number(Deno.args[0] ?? 432);

await using lab = await Lab.create();
await lab.setEndpoints([0]);
await lab.internet.ip(`addr add ${upstream}/32 dev lo`);
const serving =
  "--keep-in-foreground --conf-file=/dev/null --no-hosts --no-resolv --bind-interfaces --user=root --group=";
const zone =
  `--listen-address=${upstream} --address=/life.test/203.0.113.80 --local-ttl=3600 --pid-file= --log-facility=-`;
await lab.internet.spawn(["dnsmasq", ...serving.split(" "), ...zone.split(" ")]).waitFor(/started, version/);

const quiet = { PGW_LOG_LEVEL: "warn" };
const gateway = await startGateway(lab.gateway(0), {
  PGW_LOG_LEVEL: "info",
  PGW_VPN_INTERFACE: "vpn0",
  PGW_DNS_UPSTREAMS: upstream,
  PGW_DHCP_LEASE_TIME: "3",
});
const client = lab.client(0).pgw(["client", "run", names.gateway], {
  env: { PGW_LOG_LEVEL: "info", PGW_CLIENT_PING_INTERVAL: String(Math.max(0.05, seconds / probesOfOne)) },
});
await untilOpen(client);
const other = lab.client(1).pgw(["client", "run", names.gateway], { env: { ...quiet, PGW_LOG_LEVEL: "info" } });
await untilOpen(other);
const waiter = await startWaiter(lab.stranger);
await sleep(15_000); // what the start needed is given back
const idle = memoryOf(waiter).anonymous;

console.log(`${machine()}; 24 h in ${seconds} s; one that waits: ${idle.toFixed(1)} MB anonymous`);
console.log("  hour   client   x     gateway   x");
const life = lab.client(1).spawn(
  scriptCommand("../bench/life_main.ts", "172.29.0.1", "life.test", String(nameCount), String(probesOfAll / seconds)),
);
await life.waitFor(/^ready$/);
const curve = { client: [] as number[], gateway: [] as number[] };
for (let sample = 0; sample <= samples; sample++) {
  if (sample > 0) await sleep((seconds / samples) * 1_000);
  const [own, theirs] = [client, gateway].map((process) => memoryOf(process).anonymous) as [number, number];
  curve.client.push(own);
  curve.gateway.push(theirs);
  const cell = (megabytes: number) =>
    `${megabytes.toFixed(1).padStart(7)} ${(megabytes / idle).toFixed(2).padStart(5)}`;
  console.log(`${String((sample * 24) / samples).padStart(6)}${cell(own)}    ${cell(theirs)}`);
}
await life.stop("SIGTERM");
const sent = life.logs.find((record) => "probes" in record);
console.log(
  `sent and answered: ${JSON.stringify(sent)}; ${
    counted("pgw_client_probes_total", await metricsOf(client))
  } probes of the client`,
);
const messages = [...(await metricsOf(gateway)).matchAll(/^pgw_dhcp_messages_total.*$/gm)].map(([line]) => line);
console.log(`DHCP: ${messages.join(", ")}`);

for (const role of ["client", "gateway"] as const) {
  const loaded = curve[role].slice(1);
  judge(`${role}, the most / waiter`, Math.max(...loaded) / idle, { atMost: limits[role] });
  const [second, last] = [loaded.slice(samples / 4, samples / 2), loaded.slice((3 * samples) / 4)];
  judge(`${role}, last quarter / second`, median(last) / median(second), { atMost: limits.growth });
}
Deno.exit(0);

async function metricsOf(process: Process): Promise<string> {
  const pod = process === client ? lab.client(0) : lab.gateway(0);
  return (await pod.exec(["curl", "-gsSf", "http://127.0.0.1:3150/metrics"])).stdout;
}

function counted(metric: string, metrics: string): string {
  return new RegExp(`^${metric} (\\d+)$`, "m").exec(metrics)?.[1] ?? "none";
}
