/** The rules beside those of others, with both kinds of iptables, and after somebody changed them. */
import assert from "node:assert/strict";
import { from, outsideTunnel } from "./lab.ts";
import type { Namespace } from "./namespace.ts";
import type { Pod } from "./pod.ts";
import { assertSeesProbes } from "./prober.ts";
import { eventually, says, sleep, startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { names } from "./topology.ts";

const labTest = labTests();

/** What a mesh's sidecar and a user have in a Pod: a REDIRECT of what is sent, marks, a filter of their own. */
const others = `*nat
:ISTIO_OUTPUT - [0:0]
:ISTIO_REDIRECT - [0:0]
-A OUTPUT -p tcp -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN
-A ISTIO_OUTPUT -p tcp -m tcp --dport 15999 -j ISTIO_REDIRECT
-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
COMMIT
*mangle
-A PREROUTING -p tcp -m tcp --dport 15999 -j MARK --set-xmark 0x539/0xffffffff
COMMIT
*filter
:MINE - [0:0]
-A INPUT -p tcp -m tcp --dport 23 -j DROP
-A OUTPUT -j MINE
-A MINE -p tcp -m tcp --dport 25 -j REJECT --reject-with tcp-reset
-A FORWARD -s 192.0.2.0/24 -j DROP
COMMIT
`;

labTest("other people's rules stay as they are, behind ours, from the start to the end", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  for (const pod of [client, gateway]) await pod.iptables(4, others);
  const before = await Promise.all([client, gateway].map(foreignRules));
  assert.ok(before.every((rules) => rules.includes("-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001")));
  const server = await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
  const pgw = startClient(client);
  await untilOpen(pgw);
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
  for (const pod of [client, gateway]) await assertOursFirst(pod);
  await Promise.all([pgw.stop(), server.stop()]);
  assert.deepEqual(await Promise.all([client, gateway].map(foreignRules)), before);
});

labTest("a rule of ours that somebody replaced is put back, and an error says so", async (lab) => {
  const client = lab.client(0);
  await lab.setEndpoints([0]);
  await startGateway(lab.gateway(0));
  const pgw = startClient(client);
  await untilOpen(pgw);
  await sleep(500); // the notices of its own changes
  const rules = async () => (await client.exec(["iptables", "-S", "PGW-OUTPUT"])).stdout.trim().split("\n");
  const whole = await rules();
  const last = whole.length - 1; // the first line is the chain itself
  await client.exec(["iptables", "-R", "PGW-OUTPUT", String(last), "-j", "ACCEPT"]);
  // Not every iptables tells of it: an address that comes and goes makes pgw look, else it does within 20 s.
  await client.ip("addr add 192.0.2.1/32 dev lo", "addr del 192.0.2.1/32 dev lo");
  await pgw.waitForLog((record) => Number(record.level) >= 30 && says("put back")(record), { timeoutMs: 30_000 });
  await eventually("whole again", async () => (await rules()).join() === whole.join());
});

labTest("the whole job with iptables-legacy, which needs NET_RAW as well", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  using leaks = client.captureUplink(outsideTunnel);
  using direct = lab.captureDirect(from(lab.stranger));
  await assertSeesProbes(direct, lab.stranger); // the positive control
  await lab.setEndpoints([0]);
  const options = { capabilities: ["net_admin", "net_raw", "net_bind_service"] };
  const server = gateway.pgw(["gateway", "run"], {
    ...options,
    env: { ...legacy(gateway), PGW_VPN_INTERFACE: "vpn0" },
  });
  await server.waitForLog(says("serving"));
  const pgw = client.pgw(["client", "run", names.gateway], { ...options, env: legacy(client) });
  await eventually(
    "closed",
    async () => (await client.exec(["iptables-legacy", "-S"])).stdout.includes("-j PGW-OUTPUT"),
  );
  await sleep(200);
  leaks.clear();
  const app = await client.probe();
  await untilOpen(pgw);
  assert.equal(await client.fetchSourceAddress(), gateway.vpnAddress.v4);
  await pgw.stop();
  await sleep(300);
  await app.stop();
  leaks.assertNone();
  assert.doesNotMatch((await client.exec(["iptables-nft", "-S"])).stdout, /PGW/, "no rule is anywhere else");
});

/** A PATH on which `iptables` is the legacy one, as a distribution's alternatives make it. */
function legacy(pod: Pod): Record<string, string> {
  Deno.mkdirSync(`${pod.runDirectory}/legacy`, { recursive: true });
  for (const name of ["iptables-restore", "ip6tables-restore"]) {
    Deno.symlinkSync("/usr/sbin/xtables-legacy-multi", `${pod.runDirectory}/legacy/${name}`);
  }
  // Who is root only in a user namespace cannot make the lock in /run.
  return { PATH: "/run/legacy:/usr/sbin:/usr/bin:/sbin:/bin", XTABLES_LOCKFILE: "/dev/null" };
}

/** All rules but ours, table by table. */
async function foreignRules(pod: Namespace): Promise<string[]> {
  const { stdout } = await pod.exec(["iptables-save"]);
  return stdout.split("\n").filter((line) => /^(\*|-A)/.test(line) && !line.includes("PGW-"));
}

/** In each hook that we have a chain for, the first rules are the jumps to it. */
async function assertOursFirst(pod: Namespace): Promise<void> {
  const { stdout } = await pod.exec(["iptables-save"]);
  const rules = stdout.split("\n").filter((line) => line.startsWith("*") || line.startsWith("-A"));
  const jumps = rules.filter((line) => / -j PGW-/.test(line));
  assert.ok(jumps.length >= 4, `${pod.name} has ${jumps.length} jumps`);
  for (const jump of jumps) {
    const hook = jump.split(" ")[1];
    const index = rules.indexOf(jump);
    const earlier = rules.slice(0, index).findLast((line) => line.startsWith("*") || line.startsWith(`-A ${hook} `));
    assert.ok(earlier?.startsWith("*") || / -j PGW-/.test(earlier ?? ""), `${jump} stands behind ${earlier}`);
  }
}
