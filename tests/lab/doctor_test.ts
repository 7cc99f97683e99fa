/** `pgw doctor`: before there is anything, in a client, in a gateway, and where something is wrong. */
import assert from "node:assert/strict";
import type { Finding } from "../../mod/doctor/finding.ts";
import { assertSeesProbes } from "./prober.ts";
import { names, outsideTunnel } from "./lab.ts";
import type { Packet } from "./packet.ts";
import { GatewayPod } from "./gateway_pod.ts";
import { type Pod, roleCapabilities } from "./pod.ts";
import { startClient, startGateway, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet, routerAddress, serviceAddress } from "./topology.ts";

const labTest = labTests();
const inCluster = { KUBERNETES_SERVICE_HOST: serviceAddress.api };

type Report = { readonly code: number; readonly well: boolean; readonly findings: readonly Finding[] };

async function doctor(
  pod: Pod,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Report> {
  const process = pod.pgw(["doctor", ...args, "--json"], {
    env: { ...inCluster, ...env },
    capabilities: pod instanceof GatewayPod ? roleCapabilities.gateway : roleCapabilities.client,
  });
  const { code } = await process.end(60_000);
  const line = process.lines.find(({ json }) => json !== undefined && "findings" in json);
  assert.ok(line !== undefined, process.output);
  return { code, ...line.json as unknown as Omit<Report, "code"> };
}

function outcomes({ findings }: Report, outcome: Finding["outcome"]): string[] {
  return findings.filter((finding) => finding.outcome === outcome).map(({ check }) => check);
}

function detailOf({ findings }: Report, check: string): string {
  return findings.find((finding) => finding.check === check)?.detail ?? "";
}

const leakChecks = [4, 6].flatMap((family) =>
  ["TCP", "UDP", "ICMP", "DNS"].map((kind) => `leak: ${kind} by IPv${family}`)
);

labTest(
  "before there is a client: the gateways are found, the tunnel's path is tried, and nothing stays",
  async (lab) => {
    const pod = lab.client(0);
    await Promise.all([startGateway(lab.gateway(0)), startGateway(lab.gateway(1))]);
    const networkOf = async () => (await pod.exec(["sh", "-c", "ip link; iptables-save; ip6tables-save"])).stdout;
    const before = (await networkOf()).replace(/^[#:].*$/gm, "");
    const report = await doctor(pod, [`${names.gateways}:3150`]);
    assert.deepEqual(outcomes(report, "problem"), [], JSON.stringify(report.findings, undefined, 1));
    assert.equal(report.code, 0);
    assert.match(detailOf(report, "tunnel: path"), /UDP port 4789 passes both ways/);
    assert.match(detailOf(report, "DNS: the cluster's names"), /10\.43\.0\.1, says 10\.43\.0\.10/);
    const after = (await networkOf()).replace(/^[#:].*$/gm, "");
    for (const trace of ["pgw-doctor", "DOCTOR-"]) assert.ok(!after.includes(trace), after);
    assert.equal(/link\/ether/g.exec(after)?.length, /link\/ether/g.exec(before)?.length);
  },
);

labTest("a network that drops VXLAN: the cause and PGW_VXLAN_PORT are named", async (lab) => {
  const pod = lab.client(0);
  await lab.setEndpoints([0]);
  await startGateway(lab.gateway(0));
  await lab.gateway(0).exec([
    "iptables",
    "-t",
    "raw",
    "-I",
    "PREROUTING",
    "-p",
    "udp",
    "--dport",
    "4789",
    "-j",
    "DROP",
  ]);
  const report = await doctor(pod, [names.gateway]);
  assert.equal(report.code, 1);
  assert.deepEqual(outcomes(report, "problem"), ["tunnel: path"]);
  assert.match(report.findings.find(({ check }) => check === "tunnel: path")?.remedy ?? "", /PGW_VXLAN_PORT/);
});

labTest("networks that clash, and cluster networks that are not local", async (lab) => {
  const report = await doctor(lab.client(0), [], {
    PGW_LOCAL_CIDRS: "192.168.0.0/16 10.42.0.0/16",
    PGW_VXLAN_IP_NETWORK: "10.43.0.0/24",
  });
  assert.deepEqual(outcomes(report, "problem"), ["overlay network", "local CIDRs"]);
  assert.match(detailOf(report, "overlay network"), /10\.43\.0\.1/);
  assert.match(detailOf(report, "local CIDRs"), /10\.43\.0\.10/);
});

labTest("an open client is well: the leak probes are refused, and a capture agrees", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await assertSeesProbes(lab.stranger.captureUplink(), lab.stranger);
  await startGateway(gateway);
  await untilOpen(startClient(client));
  // The control, which must be seen, asks for another name than the probe.
  const isControl = ({ payload }: Packet) => new TextDecoder("latin1").decode(payload).includes("control\x07invalid");
  using control = client.captureUplink(isControl);
  using leaks = client.captureUplink((packet) => outsideTunnel(packet) && !isControl(packet));
  const report = await doctor(client);
  assert.deepEqual(outcomes(report, "problem"), [], JSON.stringify(report.findings, undefined, 1));
  for (const check of leakChecks) {
    if (!check.includes("ICMP")) {
      assert.ok(outcomes(report, "ok").includes(check), `${check}: ${detailOf(report, check)}`);
    }
  }
  assert.match(detailOf(report, "DNS: a hard-coded nameserver"), /answered by the gateway/);
  assert.equal(report.code, 0);
  assert.equal(control.packets().length, 2, "one by each family");
  leaks.assertNone();
});

labTest("an unprotected way out of a client is seen, and so is what pgw's end left", async (lab) => {
  const client = lab.client(0);
  await lab.setEndpoints([0]);
  await startGateway(lab.gateway(0));
  const pgw = startClient(client);
  await untilOpen(pgw);
  assert.equal((await client.exec(["sh", "-c", "true"])).code, 0);
  await pgw.stop("SIGKILL");
  await client.exec([
    "sh",
    "-c",
    "iptables -F PGW-OUTPUT; ip6tables -F PGW-OUTPUT; ip route add default via 10.42.0.1 metric 5",
  ]);
  const report = await doctor(client);
  assert.equal(report.code, 1);
  const problems = outcomes(report, "problem");
  for (const check of ["pgw", "default routes", "firewall and routes", "leak: TCP by IPv4", "leak: UDP by IPv4"]) {
    assert.ok(problems.includes(check), `${check} in ${problems}`);
  }
});

labTest("a gateway: well, and with its VPN down", async (lab) => {
  const gateway = lab.gateway(0);
  await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
  const well = await doctor(gateway, [], { PGW_VPN_INTERFACE: "vpn0" });
  assert.deepEqual(outcomes(well, "problem"), [], JSON.stringify(well.findings, undefined, 1));
  assert.match(detailOf(well, "the Pod's own traffic"), /PGW_VPN_ENDPOINT/, "a VPN that shows nothing");
  await gateway.ip(`route add ${internet.direct.v4}/32 via ${routerAddress.v4} dev eth0`);
  const known = await doctor(gateway, [], { PGW_VPN_INTERFACE: "vpn0" });
  assert.ok(outcomes(known, "ok").includes("the Pod's own traffic"), JSON.stringify(known.findings, undefined, 1));
  await gateway.disconnectVpn();
  const ill = await doctor(gateway, [], { PGW_VPN_INTERFACE: "vpn0" });
  assert.ok(outcomes(ill, "problem").includes("way out"), JSON.stringify(ill.findings, undefined, 1));
  assert.equal(ill.code, 1);
});
