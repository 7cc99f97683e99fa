/** A gateway is healthy when its clients get somewhere: readiness, its metrics and its clients are told when not. */
import assert from "node:assert/strict";
import type { Pod } from "./pod.ts";
import { eventually, sleep, startClient, startGateway, untilClosed, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet, serviceAddress } from "./topology.ts";

const labTest = labTests();
const env = { PGW_VPN_INTERFACE: "vpn0", PGW_HEALTH_INTERVAL: "0.3" };

/** Until the exec probe, the HTTP probe and the metric say the same: the reason, or `ok`. */
async function untilHealth(pod: Pod, expected: RegExp | "ok"): Promise<void> {
  await eventually(`${pod.name} is ${expected}`, async () => {
    const { stdout } = await pod.exec(["curl", "-gsS", "-w", "%{http_code}", "http://127.0.0.1:3150/readyz"]);
    return expected === "ok" ? stdout === "ok\n200" : expected.test(stdout) && stdout.endsWith("503");
  });
  for (const [options, isAlways] of [[["--ready"], false], [["--live"], true]] as const) {
    const probe = pod.pgw(["health", ...options]);
    assert.equal((await probe.end()).code, expected === "ok" || isAlways ? 0 : 1, probe.output);
  }
  const metrics = await pod.exec(["curl", "-gsSf", "http://127.0.0.1:3150/metrics"]);
  assert.match(metrics.stdout, new RegExp(`^pgw_ready ${expected === "ok" ? 1 : 0}$`, "m"));
}

labTest("a VPN that is up but leads nowhere: clients are told, and come back when it leads somewhere", async (lab) => {
  const client = lab.client(0);
  const [byTarget, byDns] = [lab.gateway(0), lab.gateway(1)];
  await lab.setEndpoints([0]);
  byDns.setResolvConf(`nameserver ${internet.dns.v4}\n`);
  await startGateway(byTarget, {
    ...env,
    PGW_HEALTH_TARGETS: `tcp://${internet.web.v4}:9 icmp://${internet.web.v4}`,
    PGW_DNS_UPSTREAMS: serviceAddress.dns, // goes around the VPN, and answers all the time
  });
  await startGateway(byDns, { ...env, PGW_CLUSTER_NAMESERVERS: serviceAddress.dns });
  await Promise.all([byTarget, byDns].map((gateway) => untilHealth(gateway, "ok")));
  const pgw = startClient(client);
  await untilOpen(pgw);
  const lines = pgw.lines.length;

  for (const gateway of [byTarget, byDns]) await gateway.setVpnSilent(true);
  await Promise.all([
    untilHealth(byTarget, /none of PGW_HEALTH_TARGETS answers through the VPN/),
    untilHealth(byDns, /no DNS upstream answers/),
  ]);
  const { message } = await untilClosed(pgw, lines);
  assert.match(String(message), /has lost its way out/);

  for (const gateway of [byTarget, byDns]) await gateway.setVpnSilent(false);
  await Promise.all([byTarget, byDns].map((gateway) => untilHealth(gateway, "ok")));
  await untilOpen(pgw, pgw.lines.length - 1);
});

labTest("rules that somebody takes away are put back, and counted", async (lab) => {
  const gateway = lab.gateway(0);
  await startGateway(gateway, env);
  const repairs = async () =>
    Number(
      /^pgw_network_repairs_total (\d+)$/m.exec(
        (await gateway.exec(["curl", "-gsSf", "http://127.0.0.1:3150/metrics"])).stdout,
      )?.[1],
    );
  assert.equal(await repairs(), 0);
  await sleep(500); // what the kernel tells right after a change of ours is taken to be of that
  await gateway.exec(["iptables", "-F", "PGW-FORWARD"]);
  await gateway.ip("route add 198.51.100.0/24 dev vpn0"); // the kernel tells of routes, not of rules: a look is due
  await eventually("put back", async () => (await repairs()) > 0, 30_000);
  const { stdout } = await gateway.exec(["iptables", "-S", "PGW-FORWARD"]);
  assert.match(stdout, /-i vxlan3150 ! -o vpn0 -j REJECT/);
});

labTest("a VPN that went with the only default route: the gateway is not ready, and its clients go", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  await gateway.ip("route delete default");
  await gateway.exec(["ip", "-6", "route", "delete", "default"]);
  await startGateway(gateway, { ...env, PGW_DNS_UPSTREAMS: serviceAddress.dns });
  await untilHealth(gateway, "ok");
  const pgw = startClient(client);
  await untilOpen(pgw);
  const lines = pgw.lines.length;
  await gateway.disconnectVpn();
  await untilHealth(gateway, /the VPN interface 'vpn0' is down/);
  assert.match(String((await untilClosed(pgw, lines)).message), /has lost its way out/);
});

labTest("a gateway that cannot tell its own interface any more is not ready until it can", async (lab) => {
  const gateway = lab.gateway(0);
  await startGateway(gateway, env);
  await untilHealth(gateway, "ok");
  await gateway.ip("addr flush dev eth0 scope global");
  await untilHealth(gateway, /network is not known: the interface 'eth0' has no IPv4 address/);
  await gateway.ip(`addr add ${gateway.address.v4}/24 dev eth0`);
  await untilHealth(gateway, "ok");
});
