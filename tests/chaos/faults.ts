/** What breaks: each kind does its damage, lets it last, and makes it good again as far as nobody else does. */
import { fakeClock, setClock } from "../lab/fake_clock.ts";
import type { GatewayPod } from "../lab/gateway_pod.ts";
import type { Pod } from "../lab/pod.ts";
import { scriptCommand } from "../lab/program.ts";
import { eventually, sleep } from "../lab/roles.ts";
import { trace } from "../lab/strace.ts";
import { stateDirectory, type World } from "./world.ts";

export type Fault = {
  readonly name: string;
  /** What must be so before, and is no part of the fault. */
  readonly prepare?: (world: World, random: Random) => Promise<void>;
  readonly run: (world: World, random: Random) => Promise<void>;
};

type Random = () => number;

const between = (random: Random, least: number, most: number) => least + random() * (most - least);
const any = <T>(random: Random, of: readonly T[]): T => of[Math.floor(random() * of.length)]!;

export const faults: readonly Fault[] = [
  { name: "gateway killed", run: async (world, random) => await killed(world, random, [await world.active()]) },
  { name: "client killed", run: (world, random) => killed(world, random, [world.app]) },
  {
    name: "client and gateway killed",
    run: async (world, random) => await killed(world, random, [world.app, await world.active()]),
  },
  { name: "both gateways killed", run: (world, random) => killed(world, random, world.gateways) },
  {
    name: "gateway stopped (SIGTERM)",
    run: async (world, random) => {
      const gateway = await world.active();
      await world.process(gateway).stop("SIGTERM", 40_000); // it waits for its clients to move
      await sleep(between(random, 0, 500));
      world.start(gateway);
    },
  },
  {
    name: "gateway stalled (SIGSTOP)",
    run: async (world, random) => {
      const process = world.process(await world.active());
      process.kill("SIGSTOP");
      await sleep(between(random, 200, 2_000));
      process.kill("SIGCONT");
    },
  },
  {
    name: "gateway's link cut",
    run: async (world, random) => await lasting(random, await world.active(), setCable),
  },
  { name: "client's link cut", run: (world, random) => lasting(random, world.app, setCable) },
  {
    name: "gateway's link cut one way",
    run: async (world, random) => {
      const direction = any(random, ["in", "out"] as const);
      await lasting(
        random,
        await world.active(),
        (pod, isBroken) => pod.setDirection(direction, isBroken ? "cut" : "whole"),
      );
    },
  },
  {
    name: "client's link cut one way",
    run: async (world, random) => {
      const direction = any(random, ["in", "out"] as const);
      await lasting(random, world.app, (pod, isBroken) => pod.setDirection(direction, isBroken ? "cut" : "whole"));
    },
  },
  { name: "30 % loss in the tunnel", run: (world, random) => relayed(world, random, 0.3, 0) },
  { name: "30 % reordered in the tunnel", run: (world, random) => relayed(world, random, 0, 0.3) },
  {
    name: "VPN down",
    run: async (world, random) =>
      await lasting(random, await world.active(), (pod, isBroken) => isBroken ? pod.disconnectVpn() : pod.connectVpn()),
  },
  {
    name: "VPN silent",
    run: async (world, random) =>
      await lasting(random, await world.active(), (pod, isBroken) => pod.setVpnSilent(isBroken), 3_000),
  },
  { name: "DNS silent everywhere", run: dnsSilent },
  {
    name: "clock jumps (gateway)",
    prepare: async (world) => await withFakeClock(world, await world.active()),
    run: async (world, random) => await clockJumps(world, random, await world.active()),
  },
  {
    name: "clock jumps (client)",
    prepare: (world) => withFakeClock(world, world.app),
    run: (world, random) => clockJumps(world, random, world.app),
  },
  { name: "disk full, client started anew", run: diskFull },
  { name: "disk slow, client started anew", run: diskSlow },
];

async function killed(world: World, random: Random, pods: readonly Pod[]): Promise<void> {
  await Promise.all(pods.map((pod) => world.process(pod).stop("SIGKILL")));
  await sleep(between(random, 0, 800));
  world.start(...pods);
}

async function lasting<P extends Pod>(
  random: Random,
  pod: P,
  set: (pod: P, isBroken: boolean) => Promise<void>,
  mostMs = 1_500,
): Promise<void> {
  await set(pod, true);
  await sleep(between(random, 100, mostMs));
  await set(pod, false);
}

function setCable(pod: Pod, isBroken: boolean): Promise<void> {
  return pod.setCable(isBroken ? "down" : "up");
}

/** Both ways, all that is VXLAN goes through the relay. */
async function relayed({ lab: { router } }: World, random: Random, loss: number, late: number): Promise<void> {
  const relay = router.spawn(
    scriptCommand(
      "../chaos/relay_main.ts",
      "chaos0",
      String(loss),
      String(late),
      String(Math.floor(random() * 2 ** 31)),
    ),
  );
  await relay.waitFor(/^ready$/);
  await router.ip("link set chaos0 up", "route add default dev chaos0 table 77", "rule add fwmark 0x77 lookup 77");
  const mark = "PREROUTING ! -i chaos0 -p udp --dport 4789 -j MARK --set-mark 0x77";
  await router.iptables(4, `*mangle\n-A ${mark}\nCOMMIT\n`);
  // A client that is closed by what was before makes use of it later.
  const isUsed = relay.waitForLog((record) => "passed" in record, { timeoutMs: 60_000 });
  await Promise.all([isUsed, sleep(between(random, 500, 2_000))]);
  await router.iptables(4, `*mangle\n-D ${mark}\nCOMMIT\n`);
  await router.ip("rule del fwmark 0x77 lookup 77");
  await sleep(60); // what is held back is let go
  await relay.stop("SIGTERM"); // and its device goes with it
}

/** The cluster's DNS and the internet's: the client can find SERVICE no more, nor the gateway a name. */
async function dnsSilent({ lab }: World, random: Random): Promise<void> {
  const hosts = [lab.internet, lab.cluster];
  const change = (verb: "-I" | "-D") =>
    Promise.all(
      hosts.map((host) =>
        host.iptables(
          4,
          `*filter\n${["udp", "tcp"].map((p) => `${verb} INPUT -p ${p} --dport 53 -j DROP\n`).join("")}COMMIT\n`,
        )
      ),
    );
  await change("-I");
  await sleep(between(random, 200, 6_000));
  await change("-D");
}

/** Its process is started anew with a clock that can be set. */
async function withFakeClock(world: World, pod: Pod): Promise<void> {
  setClock(pod, "+0");
  await world.process(pod).stop("SIGKILL");
  world.startWith(pod, fakeClock());
  await world.settle();
}

/** An hour, a day, ...: forwards or back, and back to what is right. */
async function clockJumps(world: World, random: Random, pod: Pod): Promise<void> {
  setClock(pod, any(random, ["+3600", "-3600", "+90000", "-90000", "+30", "-30"]));
  await sleep(between(random, 1_500, 3_000));
  if (world.process(pod).status !== undefined) throw new Error("it did not outlive the jump");
  setClock(pod, "+0");
  await sleep(1_500);
}

/** A client that is started anew asks for its lease, which the gateway cannot write down. */
async function diskFull(world: World, random: Random): Promise<void> {
  const gateways = world.gateways;
  await Promise.all(
    gateways.map((gateway) =>
      gateway.exec(["dd", "if=/dev/zero", `of=${stateDirectory}/filled`, "bs=4k"], { check: false })
    ),
  );
  await killed(world, random, [world.app]);
  await sleep(1_000);
  await Promise.all(gateways.map((gateway) => gateway.exec(["rm", `${stateDirectory}/filled`])));
}

/** Each write to the lease file takes 300 ms: strace holds the system call up. */
async function diskSlow(world: World, random: Random): Promise<void> {
  const tracers = await Promise.all(world.gateways.map((gateway) => slowDown(world, gateway)));
  await killed(world, random, [world.app]);
  const isHeldUp = () => Promise.resolve(tracers.some(({ output }) => output.includes("DELAYED")));
  await Promise.all([eventually("a write is held up", isHeldUp, 60_000), sleep(1_500)]);
  await Promise.all(tracers.map((tracer) => tracer.stop("SIGINT", 60_000)));
}

async function slowDown(world: World, gateway: GatewayPod) {
  return await trace(gateway, world.process(gateway), {
    paths: ["leases.jsonl", "leases.jsonl.new"].map((name) => `${stateDirectory}/${name}`),
    calls: ["write", "pwrite64", "fsync", "fdatasync", "ftruncate"],
    delayMs: 300,
  });
}
