/** Metrics of both roles, as Prometheus would scrape them, against promtool and against what really happened. */
import assert from "node:assert/strict";
import type { Pod } from "./pod.ts";
import { promtool } from "./extracted.ts";
import { eventually, startClient, startGateway, untilClosed, untilOpen } from "./roles.ts";
import { labTests } from "./test.ts";
import { internet } from "./topology.ts";

const labTest = labTests();

async function scrape(pod: Pod): Promise<string> {
  const { stdout } = await pod.exec(["curl", "-gsSf", "http://127.0.0.1:3150/metrics"]);
  return stdout;
}

/** The value of a sample, written as in the text; NaN when it is not there. */
function value(metrics: string, sample: string): number {
  const line = metrics.split("\n").find((line) => line.startsWith(`${sample} `));
  return Number(line?.slice(sample.length + 1) ?? NaN);
}

async function complaints(pod: Pod, metrics: string): Promise<string> {
  const { code, stdout, stderr } = await pod.exec([promtool(), "check", "metrics"], { stdin: metrics, check: false });
  return code === 0 ? "" : `${stdout}${stderr}`;
}

async function assertSound(pod: Pod, metrics: string): Promise<void> {
  assert.equal(await complaints(pod, metrics), "");
}

/** Three pings of 1,028 bytes each way, as the gateway's IP sees them, and nothing of who has no lease. */
async function assertTrafficIsTold(client: Pod, gateway: Pod, before: string): Promise<void> {
  await client.exec(["ping", "-c", "3", "-i", "0.1", "-s", "1000", internet.web.v4]);
  const after = await scrape(gateway);
  const { stdout } = await client.exec(["ip", "-4", "-br", "addr", "show", "vxlan3150"]);
  const address = /172\.29\.0\.\d+/.exec(stdout)?.[0];
  for (const direction of ["out", "in"]) {
    const labels = `{client="${address}",direction="${direction}"}`;
    const grown = (name: string) => value(after, name + labels) - value(before, name + labels);
    assert.equal(grown("pgw_gateway_client_packets_total"), 3, labels);
    assert.equal(grown("pgw_gateway_client_bytes_total"), 3 * 1_028, labels);
  }
  assert.equal(after.match(/^pgw_gateway_client_bytes_total/gm)?.length, 2);
}

labTest("promtool finds nothing to complain of, and the numbers are what happened", async (lab) => {
  const [client, gateway] = [lab.client(0), lab.gateway(0)];
  await lab.setEndpoints([0]);
  const serving = await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
  gateway.setResolvConf(`nameserver ${internet.dns.v4}\n`);
  const pgw = startClient(client);
  await untilOpen(pgw);
  const page = "http://web.example.test/";
  await client.waitForSourceAddress(gateway.vpnAddress.v4, page);
  // Positive control of the kill switch: IPv6 has no way at all, and local multicast is refused by a rule.
  await client.exec(["ping", "-c", "3", "-i", "0.1", "-W", "1", "ff02::1%eth0"], { check: false });

  const blocked = 'pgw_blocked_packets_total{action="reject",direction="out"}';
  const ofClient = await eventually("they are counted", async () => {
    const metrics = await scrape(client);
    return value(metrics, blocked) >= 3 && metrics;
  });
  const ofGateway = await scrape(gateway);
  assert.match(
    await complaints(client, "# TYPE pgw_x counter\npgw_x 1\n"),
    /_total/,
    "it does complain of what is wrong",
  );
  await assertSound(client, ofClient);
  await assertSound(gateway, ofGateway);
  const isAbove = (metrics: string, sample: string, least: number) =>
    assert.ok(value(metrics, sample) >= least, `${sample} ${value(metrics, sample)} is below ${least}`);

  for (const [role, metrics] of [["client", ofClient], ["gateway", ofGateway]] as const) {
    assert.match(metrics, new RegExp(`^pgw_build_info\\{role="${role}",version="[^"]+",deno="[^"]+"\\} 1$`, "m"));
  }
  assert.equal(value(ofClient, 'pgw_state{state="open"}'), 1);
  assert.equal(value(ofClient, 'pgw_state{state="closed"}'), 0);
  assert.equal(value(ofClient, "pgw_ready"), 1);
  assert.equal(value(ofClient, 'pgw_transitions_total{state="open",cause="progress"}'), 1);
  assert.equal(value(ofClient, `pgw_client_gateway_info{gateway="${gateway.address.v4}"}`), 1);
  isAbove(ofClient, 'pgw_tunnel_bytes_total{direction="receive"}', 200);
  isAbove(ofClient, 'pgw_tunnel_packets_total{direction="transmit"}', 5);
  isAbove(ofClient, "pgw_client_lease_expiry_time_seconds", Date.now() / 1000);

  assert.equal(value(ofGateway, 'pgw_state{state="ready"}'), 1);
  assert.equal(value(ofGateway, 'pgw_dhcp_addresses{state="bound"}'), 1);
  isAbove(ofGateway, 'pgw_dhcp_messages_total{result="leased"}', 1);
  isAbove(ofGateway, "pgw_dns_queries_total", 1);
  isAbove(ofGateway, 'pgw_dns_results_total{result="asked"}', 1);
  isAbove(ofGateway, "pgw_dns_cache_entries", 0);
  await assertTrafficIsTold(client, gateway, ofGateway);
  isAbove(ofGateway, `pgw_dns_upstream_seconds_count{route="outside",upstream="${internet.dns.v4}"}`, 1);

  const lines = pgw.lines.length;
  await serving.stop("SIGKILL");
  // With the tunnel's end still there it would stay open and wait for a program to come back.
  await gateway.ip("link delete vxlan3150");
  await untilClosed(pgw, lines);
  await startGateway(gateway, { PGW_VPN_INTERFACE: "vpn0" });
  await untilOpen(pgw, lines);
  const after = await scrape(client);
  await assertSound(client, after);
  assert.equal(value(after, 'pgw_transitions_total{state="discovering",cause="gateway_silent"}'), 1);
  assert.equal(value(after, "pgw_client_outage_seconds_count"), 1);
  assert.equal(value(after, "pgw_client_reconnect_seconds_count"), 1);
  isAbove(after, "pgw_client_outage_seconds_sum", value(after, "pgw_client_reconnect_seconds_sum"));
  isAbove(after, "pgw_client_probe_answers_total", 2);
});

labTest("promtool takes the alerts of docs/operations.md", async (lab) => {
  const page = await Deno.readTextFile(new URL("../../docs/operations.md", import.meta.url));
  const rules = /```yaml\n(groups:[^]*?)```/.exec(page)?.[1] ?? "";
  const pod = lab.stranger;
  await Deno.writeTextFile(`${pod.runDirectory}/rules.yaml`, rules);
  const { stdout } = await pod.exec([promtool(), "check", "rules", "/run/rules.yaml"]);
  assert.match(stdout, /SUCCESS: [5-9] rules found/);
});
