/** Attacks on the forwarder, each beside one that knows enough to succeed. */
import assert from "node:assert/strict";
import type { GatewayPod } from "./gateway_pod.ts";
import { type Lab, names } from "./lab.ts";
import type { Pod } from "./pod.ts";
import type { Process } from "./process.ts";
import { scriptCommand } from "./program.ts";
import { eventually, startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet, serviceAddress } from "./topology.ts";

const labTest = labTests();
const gatewayAddress = "172.29.0.1";
const upstream = "203.0.113.54";
const [honest, forged] = ["203.0.113.80", "203.0.113.66"];

async function open(lab: Lab): Promise<[GatewayPod, Pod]> {
  const [gateway, client] = [lab.gateway(0), lab.client(0)];
  await lab.internet.ip(`addr replace ${upstream}/32 dev lo`);
  await lab.setEndpoints([0]);
  // Only names of the attacks are asked there: a gateway whose upstreams are silent would turn its clients away.
  await startGateway(gateway, { PGW_DNS_UPSTREAMS: internet.dns.v4, PGW_DNS_ROUTES: `test=${upstream}` });
  await untilOpen(startClient(client));
  return [gateway, client];
}

/** What the adversary wrote about a question: its name, how it came, and how many packets were forged. */
type Asked = { readonly asked: string; readonly by: "udp" | "tcp"; readonly sent: number };

class Adversary implements AsyncDisposable {
  private constructor(readonly process: Process) {}

  /** See adversary_main.ts. */
  static async start({ internet }: Lab, mode: string, victim: GatewayPod, delayMs: number): Promise<Adversary> {
    const script = "dns/adversary_main.ts";
    const process = internet.spawn(scriptCommand(script, mode, upstream, victim.vpnAddress.v4, String(delayMs)));
    await process.waitFor(/^ready$/);
    return new Adversary(process);
  }

  asked(filter: (asked: Asked) => boolean = () => true): readonly Asked[] {
    return this.process.logs.map((record) => record as Asked).filter(filter);
  }

  /** How many packets were forged so far. */
  sent(): number {
    return this.asked().reduce((sum, asked) => sum + asked.sent, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.stop("SIGKILL");
  }
}

/** As a stub resolver does, which asks again when a datagram is lost. */
async function resolve(pod: Pod, name: string): Promise<string> {
  const { stdout } = await pod.exec(["dig", `@${gatewayAddress}`, "+short", "+tries=4", "+time=5", name], {
    check: false,
  });
  return stdout.split("\n").filter((line) => line !== "" && !line.startsWith(";")).join("\n");
}

async function burst(pod: Pod, count: number, perMs: number, name: string): Promise<Record<string, number>> {
  const script = scriptCommand("dns/burst_main.ts", gatewayAddress, String(count), String(perMs), name);
  return JSON.parse((await pod.exec(script)).stdout);
}

labTest("forged answers: one that knows everything is believed, one that knows less is not", async (lab) => {
  const [gateway, client] = await open(lab);
  const attempts: readonly [mode: string, believed: string][] = [
    ["informed", forged], // the positive control
    ["other address", honest],
    ["other port", honest],
    ["other question", honest],
    ["id only", honest],
    ["guess id", honest],
    ["tcp blind", honest],
    ["tcp informed", forged], // the positive control
  ];
  for (const [mode, believed] of attempts) {
    await using adversary = await Adversary.start(lab, mode, gateway, 150);
    const name = `${mode.replaceAll(" ", "-")}.victim.test`;
    assert.equal(await resolve(client, name), believed, mode);
    const sent = await eventually(
      `${mode}: something was forged`,
      () => Promise.resolve(adversary.sent() || undefined),
    );
    // Who guesses ids is noticed after a few, and the question goes where guessing does not help.
    const byTcp = adversary.asked(({ by }) => by === "tcp").length;
    assert.equal(byTcp > 0, mode === "guess id" || mode.startsWith("tcp"), `${mode}: ${byTcp} by TCP`);
    console.log(`    ${mode}: ${sent} packets, ${believed === forged ? "believed" : "not believed"}`);
  }
});

labTest("Kaminsky: random names, blind answers as fast as this machine can send", async (lab) => {
  const [gateway, client] = await open(lab);
  const rounds = 10;
  await using adversary = await Adversary.start(lab, "blind", gateway, 150);
  for (let round = 0; round < rounds; round++) {
    assert.equal(await resolve(client, `r${round}.kaminsky.test`), honest);
  }
  const sent = adversary.sent();
  // 28,232 ports, 2^16 ids, and the case of the 13 letters and more that the names have.
  const expected = sent / (28_232 * 2 ** 16 * 2 ** 13);
  const perSecond = Math.round(sent / (rounds * 0.15));
  console.log(
    `    ${sent} forged packets (${perSecond}/s): expected successes ${expected.toExponential(1)}, observed 0`,
  );
  assert.ok(sent > 1_000, `${sent} packets`);
});

labTest("birthday: equal questions are one at the upstream, other ones are not", async (lab) => {
  const [gateway, client] = await open(lab);
  await using adversary = await Adversary.start(lab, "honest", gateway, 200);
  const asked = (zone: string) => adversary.asked(({ asked }) => asked.endsWith(zone)).length;
  assert.equal((await burst(client, 100, 10, "n#.control.test")).answered, 100);
  assert.ok(asked("control.test") >= 100, `${asked("control.test")} questions`);
  assert.equal((await burst(client, 100, 100, "equal.test")).answered, 100);
  // One, and as often again as a slow upstream is asked once more.
  assert.ok(asked("equal.test") <= 6, `${asked("equal.test")} questions`);
});

labTest("reflection: who asks from outside the tunnel gets no answer, and none goes to a client", async (lab) => {
  const [gateway, client] = await open(lab);
  await using _upstream = await Adversary.start(lab, "honest", gateway, 0);
  assert.equal(await resolve(client, "control.test"), honest);
  using answers = client.capture("vxlan3150", ({ payload }) => new TextDecoder().decode(payload).includes("reflected"));
  const clientAddress =
    (await client.exec(["ip", "-4", "-br", "addr", "show", "vxlan3150"])).stdout.match(/172\.29\.0\.\d+/)![0];
  const reflect = async () => {
    await lab.stranger.ip(`route replace ${gatewayAddress} via ${gateway.address.v4}`);
    await lab.stranger.exec(
      scriptCommand("dns/reflect_main.ts", clientAddress, gatewayAddress, "reflected.test"),
    );
  };
  const rule = `! -s ${gatewayAddress}/32 -d ${gatewayAddress}/32 ! -i vxlan3150 -j DROP`.split(" ");
  // The positive control: without the rule (which pgw puts back when it sees that), the answer goes to the client.
  await eventually("the answer goes to the client", async () => {
    await gateway.exec(["iptables", "-D", "PGW-INPUT", ...rule], { check: false });
    await reflect();
    return answers.packets().length > 0;
  });
  await gateway.exec(["iptables", "-I", "PGW-INPUT", "3", ...rule]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  answers.clear();
  await reflect();
  for (const address of [gateway.address.v4, gatewayAddress]) {
    const { code } = await lab.stranger.exec(["dig", `@${address}`, "+tries=1", "+time=1", "x.test"], { check: false });
    assert.notEqual(code, 0, `${address} answered a stranger`);
  }
  answers.assertNone();
});

labTest("a flood of random names: bounded, and the cluster's names are answered all the while", async (lab) => {
  const [gateway, client] = await open(lab);
  await using adversary = await Adversary.start(lab, "silent", gateway, 0);
  const status = async () => {
    const { stdout } = await gateway.exec(["curl", "-s", "http://127.0.0.1:3150/v1/status"]);
    return JSON.parse(stdout).dns as Readonly<Record<string, number>>;
  };
  const flooding = burst(client, 6_000, 50, "r#.flood.test");
  await adversary.process.waitFor(/flood\.test/);
  let mostPending = 0;
  for (let index = 0; index < 10; index++) {
    assert.equal(await resolve(client, names.web), serviceAddress.web);
    mostPending = Math.max(mostPending, (await status()).pending!);
  }
  const { failed } = await flooding;
  const { cacheUsedBytes } = await status();
  assert.ok(mostPending <= 2_048 + 64, `${mostPending} pending`);
  assert.ok(cacheUsedBytes! <= 16 << 20, `${cacheUsedBytes} bytes`);
  assert.ok(failed! > 0, "nobody was turned away, so it was no flood");
  assert.ok(adversary.asked().length > 500, "the upstream heard of the flood");
});
