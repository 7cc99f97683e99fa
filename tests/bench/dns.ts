/**
 * The forwarder beside dnsmasq, unbound and a bare echo, all on one veth pair, by dnsperf.
 *
 * `deno task bench dns [ROUNDS] [SECONDS] [cached|forwarded|mixed|latency|miss|flood|memory]`; ours is compiled before, as
 * `deno task compile` does it (DENORT_BIN is honoured as there).
 *
 * Rates depend on what else the machine does, so the peers take turns in each round and ratios are of medians.
 */
import { enterOrContinue, isInside } from "../lab/enter.ts";
import { compileScript } from "./binary.ts";
import { latencies, load } from "./dns/load.ts";
import {
  address,
  anonymousMegabytes,
  type CacheSize,
  cpuSeconds,
  DnsWorld,
  type PeerName,
  peerVariable,
} from "./dns/world.ts";
import { judge, machine, median, quantile } from "./report.ts";

if (!isInside() && !Deno.env.has(peerVariable)) {
  Deno.env.set(peerVariable, await compileScript(new URL("dns/peer_main.ts", import.meta.url).pathname));
}
await enterOrContinue(import.meta.filename!);

const rounds = Number(Deno.args[0] ?? 3);
const seconds = Number(Deno.args[1] ?? 3);
const only = Deno.args[2];
const manyNames = 100_000;

await using world = await DnsWorld.create();
const { client } = world;
const numbered = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}.example.com`);
const few = world.questions("few", numbered("host", 1_000));
console.log(machine());

if (isWanted("cached")) {
  const rates = await compare("cached", ["dnsmasq", "unbound", "pgw", "echo"], "large", few);
  judge("cached answers, pgw / dnsmasq", rates.pgw! / rates.dnsmasq!, { atLeast: 1.2 });
  judge("cached answers, pgw / bare echo", rates.pgw! / rates.echo!, { atLeast: 0.8 });
}
if (isWanted("forwarded")) {
  const unique = world.questions("unique", numbered("u", 1_500_000));
  const rates = await compare("forwarded", ["dnsmasq", "unbound", "pgw"], "none", unique);
  judge("forwarded, pgw / dnsmasq", rates.pgw! / rates.dnsmasq!, { atLeast: 1.2 });
}
if (isWanted("mixed")) {
  const zipf = world.questions("zipf", zipfNames());
  const rates = await compare("mixed", ["dnsmasq", "unbound", "pgw"], "large", zipf);
  judge("mixed, pgw / dnsmasq", rates.pgw! / rates.dnsmasq!, { atLeast: 1 });
  judge("mixed, pgw / unbound", rates.pgw! / rates.unbound!, { atLeast: 1 });
}
if (isWanted("latency")) await compareLatency();
if (isWanted("miss")) await measureMiss();
if (isWanted("flood")) await measureFlood();
if (isWanted("memory")) await compareMemory();

function isWanted(name: string): boolean {
  return only === undefined || name === only;
}

/** Medians of answers per second. */
async function compare(
  title: string,
  peers: readonly PeerName[],
  cache: CacheSize,
  questions: string,
): Promise<Partial<Record<PeerName, number>>> {
  const runs = Object.fromEntries(peers.map((name) => [name, [] as { rate: number; lost: number; micros: number }[]]));
  for (let round = 0; round < rounds; round++) {
    for (const name of peers) {
      const process = await world.start(name, cache);
      // The first seconds are those of a program that has just started; a cache is filled by the same questions.
      await load(client, { server: address.server, questions: few, seconds: 2 });
      const before = cpuSeconds(process);
      const { rate, lost } = await load(client, { server: address.server, questions, seconds });
      runs[name]!.push({ rate, lost, micros: (cpuSeconds(process) - before) * 1e6 / (rate * seconds) });
      await process.stop("SIGKILL");
    }
  }
  console.log(`${title}, medians of ${rounds} rounds of ${seconds} s`);
  const rates: Partial<Record<PeerName, number>> = {};
  for (const name of peers) {
    const of = (key: "rate" | "lost" | "micros") => median(runs[name]!.map((run) => run[key]));
    rates[name] = of("rate");
    const text = `${of("rate").toFixed(0).padStart(8)}/s ${of("micros").toFixed(1).padStart(6)} us CPU`;
    console.log(`  ${name.padEnd(8)}${text}  lost ${of("lost")}`);
  }
  return rates;
}

/** Popular names often, rare ones rarely (exponent 1): 300,000 questions over 100,000 names, in an order that repeats. */
function zipfNames(): string[] {
  const sums = new Float64Array(manyNames);
  for (let rank = 0, sum = 0; rank < manyNames; rank++) sums[rank] = sum += 1 / (rank + 1);
  let seed = 1;
  const random = () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 0x1_0000_0000;
  const pick = () => {
    const wanted = random() * sums[manyNames - 1]!;
    let [low, high] = [0, manyNames - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return Array.from({ length: 300_000 }, () => `z${pick()}.example.com`);
}

/** Cached answers at one rate for both: a third of what dnsmasq can. */
async function compareLatency(): Promise<void> {
  const p99: Record<string, number[]> = { dnsmasq: [], pgw: [] };
  let perSecond = 0;
  for (let round = 0; round < rounds; round++) {
    for (const name of ["dnsmasq", "pgw"] as const) {
      const process = await world.start(name, "large");
      const { rate } = await load(client, { server: address.server, questions: few, seconds: 2 });
      if (perSecond === 0) perSecond = rate / 3;
      const all = await latencies(client, { server: address.server, questions: few, seconds, perSecond });
      p99[name]!.push(quantile(all, 0.99));
      await process.stop("SIGKILL");
    }
  }
  const [ours, theirs] = [median(p99.pgw!), median(p99.dnsmasq!)];
  console.log(
    `cached answers at ${perSecond.toFixed(0)}/s: p99 ${ours.toFixed(3)} ms, dnsmasq ${theirs.toFixed(3)} ms`,
  );
  judge("p99 of cached answers, pgw / dnsmasq", ours / theirs, { atMost: 1 });
}

/** One question at a time, of the upstream itself and through us. */
async function measureMiss(): Promise<void> {
  const questions = world.questions("miss", numbered("m", 200_000));
  const one = { questions, seconds, outstanding: 1 };
  const process = await world.start("pgw", "none");
  await load(client, { server: address.server, questions: few, seconds: 2 });
  const direct: number[] = [];
  const through: number[] = [];
  for (let round = 0; round < rounds; round++) {
    direct.push(median(await latencies(client, { ...one, server: address.upstream })));
    through.push(median(await latencies(client, { ...one, server: address.server })));
  }
  await process.stop("SIGKILL");
  const [fast, slow] = [median(direct), median(through)];
  console.log(`a miss: median ${slow.toFixed(3)} ms, of the upstream itself ${fast.toFixed(3)} ms`);
  judge("added latency of a miss, ms", slow - fast, { atMost: 0.2 });
}

/** Random names outside whose server says nothing, and names of the cluster all the while. */
async function measureFlood(): Promise<void> {
  const flood = world.questions("flood", numbered("f", 1_000_000));
  const cluster = world.questions("cluster", Array.from({ length: 100_000 }, (_, index) => `c${index}.cluster.local`));
  const process = await world.start("pgw", "large", address.silent);
  const before = anonymousMegabytes(process);
  const flooding = load(client, {
    server: address.server,
    questions: flood,
    seconds: 3 * seconds,
    outstanding: 60_000,
    perSecond: 5_000,
  });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const all = await latencies(client, { server: address.server, questions: cluster, seconds, outstanding: 1 });
  await flooding;
  const grown = anonymousMegabytes(process) - before;
  await process.stop("SIGKILL");
  console.log(
    `a flood of 5,000 names/s that nobody answers: ${all.length} cluster names beside it, ${grown.toFixed(0)} MB more`,
  );
  judge("cluster names under a flood, p99 in ms", quantile(all, 0.99), { atMost: 10 });
}

/** After 100,000 names were asked for once, all of which must be there: then the upstream is gone. */
async function compareMemory(): Promise<void> {
  const questions = world.questions("many", numbered("m", manyNames));
  const megabytes: Record<string, number[]> = { unbound: [], pgw: [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of ["unbound", "pgw"] as const) {
      const process = await world.start(name, "large");
      const once = { server: address.server, questions, seconds: 0, once: true };
      await load(client, once);
      await load(client, once); // what was lost
      megabytes[name]!.push(anonymousMegabytes(process));
      await world.stopUpstream();
      const { answered } = await load(client, once);
      if (answered < 0.99 * manyNames) throw new Error(`${name} holds ${answered} of ${manyNames} names`);
      await process.stop("SIGKILL");
      await world.startUpstream();
    }
  }
  const [ours, theirs] = [median(megabytes.pgw!), median(megabytes.unbound!)];
  console.log(`memory with ${manyNames} names: ${ours.toFixed(1)} MB, unbound ${theirs.toFixed(1)} MB (anonymous)`);
  judge("memory with 100,000 names, pgw / unbound", ours / theirs, { atMost: 1.5 });
}
