/** Every bad setting: named with its value and the remedy, the exit code that the README lists, and nothing changed. */
import assert from "node:assert/strict";
import { names } from "./lab.ts";
import type { RunOptions } from "./namespace.ts";
import type { Pod } from "./pod.ts";
import { scriptCommand } from "./program.ts";
import { says, sleep, startClient } from "./roles.ts";
import { labTests } from "./test.ts";

const labTest = labTests();

/** What pgw could have changed. */
async function networkOf(pod: Pod): Promise<string> {
  const script = "ip addr; ip route show table all; ip rule; ip -6 route; iptables-save; ip6tables-save";
  const { stdout } = await pod.exec(["sh", "-c", `(${script}) | grep -vE '^(#|:)|valid_lft'`]);
  return stdout + pod.resolvConf();
}

/** Runs pgw to its end, which must come with `code`, and leave the network as it was. Returns what it wrote. */
async function refused(pod: Pod, args: readonly string[], code: number, options: RunOptions = {}): Promise<string> {
  const before = await networkOf(pod);
  const pgw = pod.pgw(args, options);
  const status = await pgw.end(20_000);
  assert.equal(status.code, code, pgw.output);
  assert.equal(await networkOf(pod), before);
  return pgw.output;
}

const client = ["client", "run", names.gateway];

labTest("all bad values are told together, each with its name and value", async (lab) => {
  const bad = {
    PGW_LOG_LEVEL: "loud",
    PGW_LOG_TRANSPORTS: "syslog",
    PGW_VXLAN_IP_NETWORK: "300.1.1",
    PGW_LOCAL_CIDRS: "10.0.0.0/8 banana",
    PGW_CLIENT_PING_INTERVAL: "soon",
    PGW_VXLAN_ID: "16777216",
    PGW_VXLAN_PORT: "99999",
    PGW_VXLAN_DEVICE: "a-name-that-is-too-long",
    PGW_HTTP_PORT: "0",
  };
  const output = await refused(lab.client(0), client, 2, { env: bad });
  for (const [name, value] of Object.entries(bad)) {
    const line = output.split("\n").find((line) => line.includes(name));
    assert.ok(line?.includes(value.split(" ").at(-1) ?? ""), `${name} and ${value} in:\n${output}`);
  }
});

labTest("settings that do not go together", async (lab) => {
  const pod = lab.client(0);
  const overlap = await refused(pod, client, 2, { env: { PGW_VXLAN_IP_NETWORK: "10.99.0.0/16" } });
  assert.match(overlap, /PGW_LOCAL_CIDRS.*10\.0\.0\.0\/8.*10\.99\.0\.0\/16/s);
  const noRoom = await refused(lab.gateway(0), ["gateway", "run"], 2, {
    env: { PGW_VXLAN_IP_NETWORK: "172.29.0.0/30" },
  });
  assert.match(noRoom, /PGW_VXLAN_IP_NETWORK.*172\.29\.0\.0\/30/s);
  const noFile = await refused(pod, client, 2, { env: { PGW_LOG_TRANSPORTS: "file" } });
  assert.match(noFile, /PGW_LOG_FILE_PATH/);
});

labTest("arguments that are wrong, and none", async (lab) => {
  const pod = lab.client(0);
  assert.match(await refused(pod, ["client", "run"], 2), /SERVICE/);
  assert.match(await refused(pod, ["client", "run", "two words"], 2), /two words/);
  assert.match(await refused(pod, [...client, "--log-level", "loud"], 2), /--log-level/);
  assert.match(await refused(pod, ["client", "walk", names.gateway], 2), /walk/);
});

labTest("NET_ADMIN is missing", async (lab) => {
  for (const [pod, args] of [[lab.client(0), client], [lab.gateway(0), ["gateway", "run"]]] as const) {
    const output = await refused(pod, args, 3, { capabilities: ["net_bind_service"] });
    assert.match(output, /NET_ADMIN is missing.*securityContext/);
  }
});

labTest("`iptables` is missing, for one family or both", async (lab) => {
  const pod = lab.client(0);
  for (const [missing, present] of [["iptables", ""], ["ip6tables", "iptables-restore"]] as const) {
    const directory = `/run/without-${missing}`;
    const link = `for tool in ${present}; do ln -s $(command -v $tool) ${directory}/; done`;
    await pod.exec(["bash", "-c", `mkdir ${directory}; ${link}`]);
    assert.match(await refused(pod, client, 4, { env: { PATH: directory } }), new RegExp(`'${missing}.*install`));
  }
});

labTest("a vxlan3150 that someone else made differently", async (lab) => {
  const foreign = ["link add vxlan3150 type vxlan id 99 dstport 9999 dev eth0", "link set vxlan3150 up"];
  // A client sees it before it changes anything, whether there is a gateway or not.
  const pod = lab.client(0);
  await pod.ip(...foreign);
  assert.match(await refused(pod, client, 5), /vxlan3150/);

  const gateway = lab.gateway(0);
  await gateway.ip(...foreign);
  const pgw = gateway.pgw(["gateway", "run"]);
  assert.equal((await pgw.end(20_000)).code, 5, pgw.output);
  assert.match(pgw.output, /vxlan3150/);
  const { stdout } = await gateway.exec(["ip", "-d", "link", "show", "vxlan3150"]);
  assert.match(stdout, /vxlan id 99 .*dstport 9999/s);
});

labTest("a port of the gateway's that another program has", async (lab) => {
  const gateway = lab.gateway(0);
  for (const [port, remedy] of [["53", "end its DNS server"], ["3150", "PGW_HTTP_PORT"]] as const) {
    const holder = gateway.spawn(scriptCommand("silent_main.ts", port));
    await holder.waitFor(/^ready$/);
    const pgw = gateway.pgw(["gateway", "run"]);
    assert.equal((await pgw.end(20_000)).code, 5, pgw.output);
    assert.match(pgw.output, new RegExp(`port ${port} .*is taken by another program of this Pod: .*${remedy}`));
    await holder.stop("SIGKILL");
  }
});

labTest("a name that does not resolve is waited for, said once and not at each try", async (lab) => {
  const pgw = startClient(lab.client(0), {}, ["client", "run", "nothing.test.svc.cluster.local"]);
  const said = says("the Pod is closed: 'nothing.test.svc.cluster.local' does not resolve");
  await pgw.waitForLog(said);
  await sleep(3_000);
  assert.equal(pgw.status, undefined);
  assert.equal(pgw.logs.filter(said).length, 1);
});
